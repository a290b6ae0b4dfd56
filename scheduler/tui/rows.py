"""A cursor over rows that change places: it stays on its row, not on its index."""

from collections.abc import Hashable, Sequence


class Rows:
    """Keys in order, the selected one, and which part of them is on the screen.

    Until the user moves or acts, the cursor stands on the first row, whatever that is.
    """

    def __init__(self) -> None:
        self.keys: Sequence[Hashable] = ()
        self.index = 0
        self.top = 0
        self.height = 1
        self._pinned: Hashable | None = None

    @property
    def selected(self) -> Hashable | None:
        """The key under the cursor, None without rows."""
        return self.keys[self.index] if self.keys else None

    @property
    def is_pinned(self) -> bool:
        """Whether the cursor follows a row rather than the first place."""
        return self._pinned is not None

    def replace(self, keys: Sequence[Hashable]) -> None:
        """Take new rows; the selected one stays where it is on the screen if it can."""
        shift = 0
        if self._pinned is not None and self._pinned in keys:
            shift = keys.index(self._pinned) - self.index
        self.keys = keys
        self.top += shift
        self.index = self._clamped(self.index + shift)
        if self._pinned is None:
            self.index = self.top = 0
        elif self._pinned not in keys:
            self._pinned = self.selected

    def pin(self) -> None:
        """Hold on to the row under the cursor from now on."""
        self._pinned = self.selected

    def first(self) -> None:
        """Go to the first row and stay there."""
        self._pinned, self.index, self.top = None, 0, 0

    def last(self) -> None:
        """Go to the last row."""
        self.move(len(self.keys))

    def move(self, amount: int) -> None:
        """Move the cursor by rows."""
        self.index = self._clamped(self.index + amount)
        self.pin()

    def select(self, key: Hashable) -> bool:
        """Put the cursor on a key; False if there is no such row."""
        if key not in self.keys:
            return False
        self.index = self.keys.index(key)
        self.pin()
        return True

    def window(self, height: int) -> range:
        """Return the indexes on the screen, the cursor's among them."""
        self.height = max(height, 1)
        last_top = max(len(self.keys) - self.height, 0)
        self.top = min(max(self.top, self.index - self.height + 1, 0), self.index, last_top)
        return range(self.top, min(self.top + self.height, len(self.keys)))

    def _clamped(self, index: int) -> int:
        return min(max(index, 0), max(len(self.keys) - 1, 0))
