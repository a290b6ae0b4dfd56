"""What a process that a stem has forked tells it, readable also after a kill: a shared page."""

import mmap
import os
from collections.abc import Iterable

WAITING = 0  # for a call
TAKEN = 1  # a call that may have begun
ANSWERING = 2
ANSWERED = 3
OVER = 4  # the channel has ended

_BYTES = 16_384
_RUN = slice(1, 9)
_SIZE = slice(9, 13)  # of the text that follows
_HEAD = _SIZE.stop


class Slate:
    """Made before the fork; one process at a time writes on it."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, _BYTES)

    @property
    def state(self) -> int:
        """How far the process has come."""
        return self._page[0]

    @state.setter
    def state(self, state: int) -> None:
        self._page[0] = state

    @property
    def run_id(self) -> int | None:
        """The run whose call it has taken, None if it has not got so far."""
        return int.from_bytes(self._page[_RUN], "little") or None

    @run_id.setter
    def run_id(self, run_id: int | None) -> None:
        self._page[_RUN] = (run_id or 0).to_bytes(8, "little")

    def note_needs(self, needs: Iterable[str]) -> None:
        """Note which source files had to be compiled, and which common modules to be imported.

        Files by their absolute paths; as many as there is room for.
        """
        text = b""
        for need in needs:
            line = os.fsencode(need) + b"\0"
            if _HEAD + len(text) + len(line) > _BYTES:
                break
            text += line
        self._page[_SIZE.start : _HEAD + len(text)] = len(text).to_bytes(4, "little") + text

    def take_needs(self) -> list[str]:
        """Return what was noted, and forget it."""
        size = int.from_bytes(self._page[_SIZE], "little")
        if not size:
            return []
        text = self._page[_HEAD : _HEAD + size]
        self._page[_SIZE] = bytes(4)
        return [os.fsdecode(line) for line in text.split(b"\0") if line]
