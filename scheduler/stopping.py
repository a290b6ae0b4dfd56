"""How a process is told to stop: signals, or the end of the process that started it."""

import os
import select
import signal
from types import FrameType

# What a stop takes beyond shutdown_grace_seconds, at most: one after another, and all together.
TERMINATE_GRACE_SECONDS = 2.0  # a run that is told to end, until it is killed
HURRIED_GRACE_SECONDS = 0.5  # the same after a second signal
CUT_OFF_SECONDS = 2 * TERMINATE_GRACE_SECONDS  # the runs: told, killed, recorded
ZYGOTE_STOP_SECONDS = 3.0  # what they left behind
RECORD_SECONDS = 3.0  # the last words of the worker in the database
STOP_MARGIN_SECONDS = CUT_OFF_SECONDS + ZYGOTE_STOP_SECONDS + RECORD_SECONDS

LIFELINE_VARIABLE = "SCHEDULER_LIFELINE"
RESTARTS_VARIABLE = "SCHEDULER_RESTARTS"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _PipeFlag:
    """A flag that a `poll` can wait for: once set, its file descriptor stays readable."""

    def __init__(self) -> None:
        self.fd, self._write_fd = os.pipe()
        os.set_blocking(self._write_fd, False)
        self._is_set = False

    def set(self) -> None:
        if not self._is_set:
            self._is_set = True
            os.write(self._write_fd, b"!")

    def is_set(self) -> bool:
        return self._is_set


class StopSignal:
    """Asks for a drained stop, then for haste; has the interface of a Huey stop flag.

    The first INT, TERM or HUP sets the flag, a second one sets `hurry`. A process started by the
    supervisor also holds the read end of its lifeline pipe: its end of file is a request to stop.
    """

    def __init__(self, lifeline_fd: int | None = None) -> None:
        self._stop = _PipeFlag()
        self._hurry = _PipeFlag()
        self._lifeline_fd = lifeline_fd

    @classmethod
    def install(cls) -> "StopSignal":
        """Make a stop signal that INT, TERM and HUP set; call it first thing in a process."""
        lifeline = os.environ.pop(LIFELINE_VARIABLE, None)
        stop = cls(int(lifeline) if lifeline else None)
        if stop._lifeline_fd is not None:
            os.set_inheritable(stop._lifeline_fd, False)
        for number in STOP_SIGNALS:
            signal.signal(number, stop._handle)
        return stop

    @property
    def fd(self) -> int:
        """A file descriptor that is readable from the first request on."""
        return self._stop.fd

    @property
    def hurry_fd(self) -> int:
        """A file descriptor that is readable from the second request on."""
        return self._hurry.fd

    def set(self) -> None:
        """Ask for a drained stop."""
        self._stop.set()

    def is_set(self) -> bool:
        return self._stop.is_set()

    def is_hurried(self) -> bool:
        return self._hurry.is_set()

    def wait(self, timeout: float | None = None, also: tuple[int, ...] = ()) -> bool:
        """Wait until a stop is asked for, one of `also` is readable, or `timeout` seconds passed.

        Returns whether a stop was asked for. `select`, not `poll`: its time-out has microseconds.
        """
        if self.is_set():
            return True
        fds = [self._stop.fd, *also]
        if self._lifeline_fd is not None:
            fds.append(self._lifeline_fd)
        readable, _, _ = select.select(fds, [], [], timeout)
        if self._lifeline_fd in readable:
            self.set()
        return self.is_set()

    def wait_hurry(self, timeout: float) -> bool:
        """Wait until haste is asked for, or `timeout` seconds passed; return whether it was."""
        select.select([self._hurry.fd], [], [], timeout)
        return self.is_hurried()

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()
