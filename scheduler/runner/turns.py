"""Whose turn it is: a run of a batch begins when its executor takes a turn that nobody took back.

Turns are bytes in a socket, each read by exactly one of the two who hold its end: the executor that
begins the next run, or the worker that no longer wants to wait for it.
"""

import socket

_TURN = b"."
_MOST = 256


class Turns:
    """The worker's side; keeps the executor's end open, too, to take back what is in it."""

    def __init__(self) -> None:
        self._ours, self.theirs = socket.socketpair()
        self._is_over = True

    @property
    def fd(self) -> int:
        """Becomes readable when a batch is over."""
        return self._ours.fileno()

    def give(self, count: int) -> None:
        """Allow so many runs to begin; raises OSError.

        The batch before must be over: a turn has no name, its executor would take it for its own.
        """
        assert self._is_over, "the batch before goes on"
        self._is_over = False
        self._ours.sendall(_TURN * count)

    def take_back(self) -> int:
        """Take back the turns that are left; returns how many, no other run begins now."""
        try:
            return len(self.theirs.recv(_MOST, socket.MSG_DONTWAIT))
        except BlockingIOError:
            return 0

    def is_over(self) -> bool:
        """Tell whether the executor has ended the batch given last."""
        if not self._is_over:
            try:
                self._ours.recv(1, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            self._is_over = True
        return True

    def close(self) -> None:
        """Close both ends."""
        self._ours.close()
        self.theirs.close()


class TurnTaker:
    """The executor's side."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def take(self) -> bool:
        """Take a turn; False if none is left, or the worker has taken them back."""
        try:
            return bool(self._end.recv(1, socket.MSG_DONTWAIT))
        except OSError:
            return False

    def end(self) -> None:
        """Say that the batch is over."""
        self._end.send(_TURN)
