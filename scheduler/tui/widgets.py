"""The one widget: it paints the lines of the pure model onto urwid's canvas, exactly to size."""

from typing import Protocol

import urwid

from scheduler.tui.canvas import Encoder, Frame
from scheduler.tui.text import Line


class Painter(Protocol):
    """What the surface shows and whom it tells of keys and the mouse."""

    is_ascii: bool

    def lines(self, width: int, height: int) -> list[Line]: ...
    def press(self, key: str) -> None: ...
    def mouse(self, event: str, button: int, x: int, y: int) -> bool: ...


class Surface(urwid.Widget):
    """A box widget that is redrawn as a whole: a screen of text costs 2 ms, a diff is urwid's."""

    _sizing = frozenset([urwid.BOX])
    _selectable = True

    def __init__(self, painter: Painter) -> None:
        super().__init__()
        self._painter = painter
        self._encoder = Encoder()
        self._size = (0, 0)
        self._drawn: list[Line] = []
        self._next: list[Line] | None = None

    def refresh(self) -> None:
        """Have the screen drawn anew before the loop idles, if anything on it looks different."""
        self._next = self._painter.lines(*self._size) if all(self._size) else None
        if self._next is None or self._next != self._drawn:
            self._invalidate()

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw the painter's lines; whatever they are, the canvas has the size asked for."""
        width, height = size
        if width < 1 or height < 1:
            return urwid.SolidCanvas(" ", width, height)
        lines, self._next = self._next, None
        if size != self._size:
            self._invalidate()  # what is kept of another size would come back stale
            lines = None
        if lines is None:
            lines = self._painter.lines(width, height)
        self._size, self._drawn = size, lines
        shown = [*lines[:height], *([[]] * (height - len(lines)))]
        rows = self._encoder.rows(shown, width, is_ascii=self._painter.is_ascii)
        return Frame(rows, width)

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Hand every key to the painter."""
        self._painter.press(key)
        self._changed()
        return None

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Hand every mouse event to the painter."""
        handled = self._painter.mouse(event, button, col, row)
        self._changed()
        return handled

    def _changed(self) -> None:
        self._next = None
        self._invalidate()
