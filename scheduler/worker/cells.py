"""The cells of the tally, two for each slot that is at work.

They serve in turn: a batch is handed over before the commit that finishes the one before it, whose
place in the tally must outlast that commit.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle

CELLS_PER_SLOT = 2


class Cells:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: list[int] = []
        self._made = 0

    @property
    def busy(self) -> int:
        """How many slots are at work."""
        return self._made - len(self._free)

    @contextmanager
    def lend(self) -> Iterator[Iterator[int]]:
        """Yield an endless iterator of cells that nobody else has meanwhile."""
        with self._lock:
            if not self._free:
                self._free.append(self._made)
                self._made += 1
            slot = self._free.pop()
        try:
            yield cycle(range(slot * CELLS_PER_SLOT, (slot + 1) * CELLS_PER_SLOT))
        finally:
            with self._lock:
                self._free.append(slot)
