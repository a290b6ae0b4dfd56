"""What a process that a stem has forked tells it, readable also after a kill: a shared page."""

import mmap
import os
from collections.abc import Iterable

WAITING = 0  # for a call
TAKEN = 1  # a call that may have begun
ANSWERING = 2
ANSWERED = 3
LEAVING = 4  # it has answered, and has exit functions to run
OVER = 5  # the channel has ended

_BYTES = 16_384
_HEAD = 5  # bytes: the state, and the length of what follows


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

    def note_files(self, paths: Iterable[str]) -> None:
        """Note which source files had to be compiled; those for which there is room."""
        text = b""
        for path in paths:
            line = os.fsencode(path) + b"\0"
            if _HEAD + len(text) + len(line) > _BYTES:
                break
            text += line
        self._page[1 : _HEAD + len(text)] = len(text).to_bytes(_HEAD - 1, "little") + text

    def take_files(self) -> list[str]:
        """Return the files that were noted, and forget them."""
        size = int.from_bytes(self._page[1:_HEAD], "little")
        if not size:
            return []
        text = self._page[_HEAD : _HEAD + size]
        self._page[1:_HEAD] = bytes(_HEAD - 1)
        return [os.fsdecode(line) for line in text.split(b"\0") if line]
