"""Has the threads of a process tell where they are: one after another, each its own stack.

`faulthandler` can tell the stacks of all threads at once; it follows their frames while they run,
and the process dies if one begins or ends just then. And a signal for the process may go to any
thread, together with another one that only the main thread can act on.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from scheduler.clock import Clock, sleep

PATIENCE_SECONDS = 0.5  # with a process that is stopped, or hangs in the kernel
_MOST = 50
_STEP_SECONDS = 0.0005
_MOMENT_SECONDS = 0.01
_ASKED = 1 << (signal.SIGUSR2 - 1)  # as proc(5) shows it
_IS_LINUX = sys.platform.startswith("linux")

_tgkill = getattr(ctypes.CDLL(None), "tgkill", None)  # glibc and Linux have it


def ask_threads(pid: int, begin: Callable[[int], None], *, clock: Clock) -> None:
    """Send SIGUSR2 to each thread that listens, the main one first, and wait until it has told.

    `begin(thread id)` is called before each. Off Linux the process is asked, and any thread tells.
    """
    until = clock.monotonic() + PATIENCE_SECONDS
    for thread_id in _thread_ids(pid)[:_MOST]:
        thread = _Thread(pid, thread_id)
        left = until - clock.monotonic()
        # A thread that starts another one blocks all signals, for a moment.
        moment = left if thread_id == pid else min(left, _MOMENT_SECONDS)
        if not thread.handles() or not _wait(thread.is_free, clock, moment):
            continue
        begin(thread_id)
        ask_thread(pid, thread_id)
        # Between being taken and being blocked it shows nowhere: so it is looked at twice.
        for _ in range(2):
            sleep(_STEP_SECONDS)
            if not _wait(thread.is_free, clock, until - clock.monotonic()):
                return


def ask_thread(pid: int, thread_id: int) -> None:
    """Send SIGUSR2 to one thread of a process; nothing happens if it has ended."""
    if _tgkill is not None:
        _tgkill(pid, thread_id, signal.SIGUSR2)
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGUSR2)


def stack_head(pid: int, thread_id: int) -> bytes:
    """Return what comes before the stack of a thread; nothing before that of the main one."""
    return b"" if thread_id == pid else b"Thread %d: " % thread_id


def _thread_ids(pid: int) -> list[int]:
    if _tgkill is None or not _IS_LINUX:
        return [pid]
    try:
        return sorted(map(int, os.listdir(f"/proc/{pid}/task")), key=lambda one: (one != pid, one))
    except OSError:
        return []


def _wait(condition: Callable[[], bool], clock: Clock, seconds: float) -> bool:
    until = clock.monotonic() + seconds
    while not (is_met := condition()) and clock.monotonic() < until:
        sleep(_STEP_SECONDS)
    return is_met


class _Thread:
    """What the kernel tells of a thread's signals; off Linux it does not."""

    def __init__(self, pid: int, thread_id: int) -> None:
        self._path = f"/proc/{pid}/task/{thread_id}/status"

    def handles(self) -> bool:
        """Tell whether the signal would not end the process."""
        return self._has("SigCgt") if _IS_LINUX else True

    def is_free(self) -> bool:
        """Tell whether the signal is neither on its way, nor being handled, nor blocked."""
        return not (_IS_LINUX and self._has("SigPnd", "SigBlk"))

    def _has(self, *names: str) -> bool:
        try:
            with open(self._path, errors="replace") as file:
                lines = [line.partition(":") for line in file]
        except OSError:
            return False
        return any(int(value, 16) & _ASKED for name, _, value in lines if name in names)
