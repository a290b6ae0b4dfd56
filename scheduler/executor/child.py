"""The parent's side of a process that a zygote has forked, and why one was not."""

import json
import os
import select
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scheduler.errors import ZygoteGoneError
from scheduler.executor.guards import kill_group, kill_group_at_end_of
from scheduler.runner.exits import CAUSE_LEASE

FORK_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a process ended: exit_code or signal; both None when its zygote died before telling."""

    exit_code: int | None = None
    signal: int | None = None
    cause: str | None = None  # why the zygote killed it: "lease" or "stop"
    peak_rss_bytes: int | None = None
    cpu_total_seconds: float | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether nobody was left to tell."""
        return self.exit_code is None and self.signal is None


class ForkRefusedError(ZygoteGoneError):
    """The zygote lives but does not fork: its lease has run out, or the system has no room."""


class LeaseExpiredError(ForkRefusedError):
    """The lease of the worker has run out: nothing may start before its next heartbeat."""


class Child:
    """A process forked by a zygote; `exit_fd` becomes readable when it has ended.

    `when_over` is called once: when its end is known, or nobody watches it any more.
    """

    def __init__(self, report_fd: int, when_over: Callable[[], None]) -> None:
        """Wait for the zygote's word that it forked; raises ZygoteGoneError, ForkRefusedError."""
        self.exit_fd = report_fd
        self._when_over: Callable[[], None] | None = when_over
        self._buffer = b""
        try:
            message = self._read_message(FORK_SECONDS)
            if message is None:
                raise ZygoteGoneError
            if "refused" in message:
                is_lease = message["cause"] == CAUSE_LEASE
                raise (LeaseExpiredError if is_lease else ForkRefusedError)(message["refused"])
        except BaseException:
            self.close()
            raise
        self.pid: int = message["pid"]
        kill_group_at_end_of(report_fd, self.pid)  # should we be stopped when the zygote dies

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Signal its whole process group; nothing happens if it has ended."""
        kill_group(self.pid, number)

    def wait(self, timeout_seconds: float) -> Exit | None:
        """Return how it ended, all it left behind being dead too; None if it still lives."""
        try:
            message = self._read_message(timeout_seconds)
        except TimeoutError:
            return None
        self._note_end()
        return Exit(**message) if message is not None else Exit()

    def close(self) -> None:
        """Stop watching it."""
        if self.exit_fd >= 0:
            os.close(self.exit_fd)
            self.exit_fd = -1
        self._note_end()

    def _note_end(self) -> None:
        when_over, self._when_over = self._when_over, None
        if when_over is not None:
            when_over()

    def _read_message(self, timeout_seconds: float) -> dict[str, Any] | None:
        while b"\n" not in self._buffer:
            if not is_readable(self.exit_fd, timeout_seconds):
                raise TimeoutError
            part = os.read(self.exit_fd, 4096)
            if not part:
                return None
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)  # type: ignore[no-any-return]  # written by the zygote


def is_readable(fd: int, seconds: float) -> bool:
    """Wait for a file descriptor so long; return whether there is something to read."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
