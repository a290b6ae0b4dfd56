"""The one widget: it paints the lines of the pure model onto urwid's canvas, exactly to size."""

from collections.abc import Callable, Hashable
from typing import Protocol

import urwid
from urwid.util import apply_target_encoding

from scheduler.tui.text import Line, exact, width_of


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
    no_cache = ("render",)

    def __init__(self, painter: Painter) -> None:
        super().__init__()
        self._painter = painter

    def refresh(self) -> None:
        """Have the screen drawn anew before the loop idles."""
        self._invalidate()

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw the painter's lines; whatever they are, the canvas has the size asked for."""
        width, height = size
        if width < 1 or height < 1:
            return urwid.SolidCanvas(" ", width, height)
        lines = self._painter.lines(width, height)[:height]
        lines += [[] for _ in range(height - len(lines))]
        to_text: Callable[[str], str] = _ascii if self._painter.is_ascii else str
        texts: list[bytes] = []
        attributes: list[list[tuple[Hashable, int]]] = []
        charsets = []
        for line in lines:
            parts = [(role, to_text(text)) for role, text in exact(line, width)]
            encoded = [(role, *apply_target_encoding(text)) for role, text in parts if text]
            texts.append(b"".join(text for _, text, _ in encoded))
            attributes.append([(role, len(text)) for role, text, _ in encoded])
            charsets.append([run for _, _, runs in encoded for run in runs])
        return urwid.TextCanvas(texts, attributes, charsets, maxcol=width, check_width=False)

    def keypress(self, size: tuple[int, int], key: str) -> str | None:  # type: ignore[override]
        """Hand every key to the painter."""
        self._painter.press(key)
        self._invalidate()
        return None

    def mouse_event(  # type: ignore[override]
        self, size: tuple[int, int], event: str, button: int, col: int, row: int, focus: bool
    ) -> bool:
        """Hand every mouse event to the painter."""
        handled = self._painter.mouse(event, button, col, row)
        self._invalidate()
        return handled


def _ascii(text: str) -> str:
    """Replace what is not ASCII by as many question marks as it took columns."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() else "?" * width_of(c) for c in text)
