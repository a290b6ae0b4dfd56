"""A FIFO that wakes sleeping processes: one byte a message, nothing stored that matters.

Somebody still looks once a second; where FIFOs do not work, waiters do only that.
"""

import contextlib
import os
import select
import stat
from pathlib import Path
from typing import Protocol

MOST_RINGS = 4096
SAFETY_NET_SECONDS = 1.0


class Bell(Protocol):
    """What wakes a ticker; `scheduler.postgres.PostgresBell` is the one that crosses hosts."""

    def ring(self) -> None:
        """Wake whoever waits; never raises, a bell is a hint."""
        ...

    def drain(self) -> bool:
        """Take all rings; return whether there were any."""
        ...

    def fds(self) -> tuple[int, ...]:
        """Return what to wait for besides other things; call `drain` when it is readable."""
        ...

    def reopen_if_replaced(self) -> None:
        """Open what is to be waited for, again if it was lost."""
        ...

    def close(self) -> None:
        """Let go; the bell stays for the others."""
        ...


class Doorbell:
    """One process's two ends of the FIFO at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rings = 0  # that the last wait took
        self._fd: int | None = None
        self._old_fd: int | None = None  # a waiter may be about to read it
        self._identity: tuple[int, int] | None = None
        self._woken_fd, self._wake_fd = os.pipe()  # for waiters of this process alone
        os.set_blocking(self._woken_fd, False)
        os.set_blocking(self._wake_fd, False)
        self.reopen_if_replaced()

    @property
    def works(self) -> bool:
        """Tell whether the FIFO could be made; if not, waiters only have their safety net."""
        return self._fd is not None

    def ring(self, times: int = 1) -> None:
        """Wake waiters, leaving so many bytes; never blocks: a full FIFO has woken everybody."""
        if self._fd is not None and times > 0:
            with contextlib.suppress(BlockingIOError):
                os.write(self._fd, b"!" * min(times, MOST_RINGS))

    def drain(self) -> bool:
        """Take all bytes; return whether there were any."""
        # Mostly it is empty, and reading it would raise: most of the cost of being awake.
        return self._fd is not None and _is_readable(self._fd) and _drain(self._fd) > 0

    def wait(self, stop_fd: int, timeout: float) -> bool:
        """Sleep until somebody rings, `stop_fd` is readable or `timeout` seconds passed.

        Returns whether the bell rang; its bytes are taken then. False also after `wake`: what is to
        be waited for may have come meanwhile.
        """
        waiting = select.poll()
        waiting.register(stop_fd, select.POLLIN)
        waiting.register(self._woken_fd, select.POLLIN)
        if self._fd is not None:
            waiting.register(self._fd, select.POLLIN)
        ready = [fd for fd, _ in waiting.poll(timeout * 1000)]
        if self._woken_fd in ready:
            _drain(self._woken_fd)
        self.rings = _drain(self._fd) if self._fd in ready else 0
        return self.rings > 0

    def wake(self) -> None:
        """End the `wait` of this process, or the next one."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_fd, b"!")

    def fds(self) -> tuple[int, ...]:
        """Return what to wait for besides other things; call `drain` when it is readable."""
        return () if self._fd is None else (self._fd,)

    def reopen_if_replaced(self) -> None:
        """Make or open the FIFO again when the file at the path is not the one that is open."""
        if self._fd is not None and self._look() == self._identity:
            return
        older_fd, self._old_fd, self._fd = self._old_fd, self._fd, None
        if older_fd is not None:
            os.close(older_fd)
        with contextlib.suppress(OSError):
            if self._look() is None:
                with contextlib.suppress(FileExistsError):
                    os.mkfifo(self.path, 0o600)
            self._identity = self._look()
            if self._identity is not None:
                # Read and write: opening never blocks, there is always a reader and a writer.
                self._fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.wake()

    def close(self) -> None:
        """Close both ends; the FIFO stays for the others."""
        for fd in (self._fd, self._old_fd, self._woken_fd, self._wake_fd):
            if fd is not None:
                os.close(fd)
        self._fd = self._old_fd = None

    def _look(self) -> tuple[int, int] | None:
        """Return the identity of the FIFO at the path; None if nothing or something else is."""
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return (found.st_dev, found.st_ino) if stat.S_ISFIFO(found.st_mode) else None


def bell_path(file: Path) -> Path:
    """Return where the doorbell of a queue file is."""
    return file.with_name(f"{file.name}.bell")


def _is_readable(fd: int) -> bool:
    return bool(select.select((fd,), (), (), 0)[0])


def _drain(fd: int) -> int:
    try:
        return len(os.read(fd, MOST_RINGS))
    except BlockingIOError:
        return 0
