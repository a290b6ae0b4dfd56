"""The tally of batches: what was handed over, begun and done, in a file that outlives its writers.

A worker commits the start of several short runs at once and hands them to one executor. Killed in
between, its rows say of all of them that they run. The tally knows which of them have: the worker
writes into it what it hands over, the executor what it begins and ends, and whoever finds both dead
reads it. What is written survives every kill; not a loss of power, so the boot is written too.
"""

import os
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

MOST = 50  # runs in a batch
_CELL_BYTES = 512  # a divisor of the page: a write that stays in a page is done or not done
_BATCH = struct.Struct(f"<d{MOST}q")
_HANDED_OVER, _BEGUN, _SUCCEEDED = b"\0", b"\1", b"\2"
_BOOT_FILE = "/proc/sys/kernel/random/boot_id"
_HEAD = "scheduler tally 1 "

_pwrite = os.pwrite  # user code may patch it


class Tally:
    """Cells of one file, each used by one batch at a time; the descriptor is closed with it."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        fd, self.fd = self.fd, -1
        with suppress(OSError):
            os.close(fd)

    def hand_over(self, cell: int, run_ids: Sequence[int], started_at: float) -> None:
        """Begin a batch with these runs, in the order of their turns; raises OSError.

        started_at: what their rows will say; a run that is started again says something else.
        """
        batch = _BATCH.pack(started_at, *run_ids, *[0] * (MOST - len(run_ids)))
        _pwrite(self.fd, batch + _HANDED_OVER * MOST, _offset(cell))

    def begin(self, cell: int, turn: int) -> None:
        """Note, before it is called, that a run of the batch begins; raises OSError."""
        _pwrite(self.fd, _BEGUN, _offset(cell) + _BATCH.size + turn)

    def succeed(self, cell: int, turn: int) -> None:
        """Note that it has ended as it should; raises OSError."""
        _pwrite(self.fd, _SUCCEEDED, _offset(cell) + _BATCH.size + turn)


class Tallied(NamedTuple):
    """The (run id, started_at) of a tally: what was never begun, and what has succeeded."""

    unbegun: tuple[tuple[int, float], ...] = ()
    succeeded: tuple[tuple[int, float], ...] = ()


def open_tally(fd: int, cells: int) -> Tally | None:
    """Return a tally in a file that is open, None where there can be none; `fd` stays the caller's.

    Its room is taken now: a full disk must not come between a batch and its tally.
    """
    boot = _boot()
    if boot is None:
        return None
    try:
        os.posix_fallocate(fd, 0, _offset(cells))
        os.pwrite(fd, (_HEAD + boot).encode(), 0)
        return Tally(os.dup(fd))
    except OSError:
        return None


def read_tally(path: str) -> Tallied:
    """Read what is told of the batches of the dead; nothing if that cannot be known."""
    try:
        with open(path, "rb") as file:
            told = file.read()
    except OSError:
        return Tallied()
    boot = _boot()
    if boot is None or not told.startswith((_HEAD + boot).encode()):
        return Tallied()
    unbegun, succeeded = [], []
    for at in range(_CELL_BYTES, len(told) - _CELL_BYTES + 1, _CELL_BYTES):
        states = told[at + _BATCH.size : at + _BATCH.size + MOST]
        started_at, *run_ids = _BATCH.unpack_from(told, at)
        for run_id, state in zip(run_ids, states, strict=True):
            if run_id and state == _HANDED_OVER[0]:
                unbegun.append((run_id, started_at))
            elif run_id and state == _SUCCEEDED[0]:
                succeeded.append((run_id, started_at))
    return Tallied(tuple(unbegun), tuple(succeeded))


def _offset(cell: int) -> int:
    return _CELL_BYTES * (1 + cell)  # the first is the head


def _boot() -> str | None:
    try:
        with open(_BOOT_FILE) as file:
            return file.read().strip()
    except OSError:
        return None
