"""The control channel as an executor sees it: calls come, answers go, each a JSON line."""

import os
import socket
from typing import Any

from scheduler.runner.exits import EXIT_DETACHED
from scheduler.runner.wire import decode, encode

_exit, _fstat = os._exit, os.fstat  # user code may patch these


class ControlChannel:
    """Knows whether it still is what it was: user code may close a descriptor, and reuse it."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._fd = opened.fileno()
        self._id = identity(self._fd)
        self._received = b""

    def wait(self) -> None:
        """Wait until there is something to receive, or the end."""
        if not self._received:
            self._take(1, socket.MSG_PEEK)

    def receive(self) -> dict[str, Any] | None:
        """Wait for the next message; None when the channel has ended."""
        while b"\n" not in self._received:
            part = self._take(65536)
            if not part:
                return None
            self._received += part
        # There may be more: a batch whose turns were all taken back, and what followed it.
        line, _, self._received = self._received.partition(b"\n")
        return decode(line.decode())[0]  # type: ignore[no-any-return]  # written by the pool

    def send(self, answer: dict[str, Any]) -> None:
        """Send an answer; ends this process if the channel is not there any more."""
        self.transmit(self.encode(answer))

    def encode(self, answer: dict[str, Any]) -> bytes:
        """Do all of `send` that can fail."""
        if identity(self._fd) != self._id:
            _exit(EXIT_DETACHED)
        return encode(answer).encode() + b"\n"

    def transmit(self, line: bytes) -> None:
        """Do the rest of `send`."""
        self._socket.setblocking(True)
        self._socket.sendall(line)

    def forget(self) -> None:
        """Throw away what came for somebody who has died."""
        self._received = b""
        try:
            while self._socket.recv(65536, socket.MSG_DONTWAIT):
                pass
        except BlockingIOError:
            return

    def _take(self, most_bytes: int, flags: int = 0) -> bytes:
        """Receive, also where this run, or one before it, made what all share non-blocking."""
        while True:
            try:
                return self._socket.recv(most_bytes, flags)
            except BlockingIOError:
                self._socket.setblocking(True)


def identity(fd: int) -> tuple[int, int] | None:
    """Return what a descriptor stands for, None if for nothing."""
    try:
        found = _fstat(fd)
    except OSError:
        return None
    return (found.st_dev, found.st_ino)
