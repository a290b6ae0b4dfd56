"""The processes that this one started or adopted, and the forks of a file that is imported."""

import os
import sys
from contextlib import suppress
from types import FrameType

from scheduler.clock import SystemClock, sleep

_FORKS = {"os.fork", "os.forkpty"}
_MOMENT_SECONDS = 0.2  # what is about to end anyway is not left running
_STEP_SECONDS = 0.005
_COMMAND_LIMIT = 60  # characters


class ForkWatch:
    """Sees every fork of this process from now on; it cannot be taken off again."""

    def __init__(self, file: str) -> None:
        """`file` is the user's file whose line is wanted."""
        self.has_seen = False
        self.line: int | None = None  # of the innermost frame in `file`
        self._file = file
        sys.addaudithook(self._see)

    def _see(self, event: str, _args: tuple[object, ...]) -> None:
        if event in _FORKS and not self.has_seen:
            self.has_seen = True
            self.line = _line_in(self._file, sys._getframe())


def own_children() -> set[int]:
    """Return the pids of all children of this process, zombies included; empty off Linux."""
    found: set[int] = set()
    try:
        for thread in os.listdir("/proc/self/task"):
            with suppress(OSError), open(f"/proc/self/task/{thread}/children", "rb") as file:
                found.update(map(int, file.read().split()))
    except OSError:
        return set()
    return found


def left_running() -> list[str]:
    """Return the commands of the children that do not end within a moment."""
    clock = SystemClock()
    until = clock.monotonic() + _MOMENT_SECONDS
    while alive := {pid for pid in own_children() if not _reap(pid)}:
        if clock.monotonic() >= until:
            break
        sleep(_STEP_SECONDS)
    return sorted({_command(pid) for pid in alive})


def _reap(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _command(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().rstrip(b"\0").split(b"\0")
    except OSError:
        words = []
    text = b" ".join(words).decode("utf-8", "replace")
    if not text or text.startswith("scheduler "):
        return "a copy of itself"
    return text if len(text) <= _COMMAND_LIMIT else f"{text[: _COMMAND_LIMIT - 1]}…"


def _line_in(file: str, frame: FrameType | None) -> int | None:
    while frame is not None and frame.f_code.co_filename != file:
        frame = frame.f_back
    return frame.f_lineno if frame is not None else None
