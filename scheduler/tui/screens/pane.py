"""A text that scrolls, and stays at its end while it grows."""

from collections.abc import Sequence

from scheduler.tui.model.frame import scrolled
from scheduler.tui.text import Line
from scheduler.tui.view import View

SCROLLS = frozenset({"up", "down", "page_up", "page_down", "first", "last"})


class TextPane:
    """Lines of text with a scroll position; `is_following`: it shows the end."""

    def __init__(self, *, is_following: bool = False) -> None:
        self.is_following = is_following
        self._top = 0
        self._count = 0
        self._height = 1

    def render(self, lines: Sequence[Line], view: View, width: int, height: int) -> list[Line]:
        """Return the lines on the screen with a scroll bar."""
        self._count, self._height = len(lines), max(height, 1)
        last = max(self._count - self._height, 0)
        self._top = last if self.is_following else min(self._top, last)
        return scrolled(
            lines[self._top : self._top + self._height],
            width,
            height,
            view.look.glyphs,
            selected=None,
            position=self._top / max(last, 1),
            share=self._height / max(self._count, 1),
        )

    def move(self, action: str) -> None:
        """Scroll by the action of a key; scrolled to the end, it follows."""
        page = max(self._height - 1, 1)
        amounts = {
            "up": -1,
            "down": 1,
            "page_up": -page,
            "page_down": page,
            "first": -self._count,
            "last": self._count,
        }
        self.scroll(amounts[action])

    def scroll(self, amount: int) -> None:
        """Scroll by rows."""
        last = max(self._count - self._height, 0)
        self._top = min(max(self._top + amount, 0), last)
        self.is_following = self._top == last and amount > 0
