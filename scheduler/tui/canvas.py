"""Lines as urwid's screen takes them: encoded runs, few of them, kept from frame to frame."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import urwid
from urwid.util import apply_target_encoding, get_encoding_mode

from scheduler.tui.text import SELECTED, Line, exact, width_of

Row = list[tuple[str | None, Literal["0", "U"] | None, bytes]]
_SHOWN_ON_BLANKS = ("badge", "heading")  # a background and, without colours, an underline


class Encoder:
    """Encodes the lines of a frame; a line that the last frame had as well is not encoded again."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Row] = {}
        self._width = 0

    def rows(self, lines: Sequence[Line], width: int, *, is_ascii: bool) -> list[Row]:
        """Return one row for each line, exactly `width` columns."""
        known = self._known if width == self._width else {}
        self._known, self._width = {}, width
        rows = []
        for line in lines:
            key = tuple(line)
            row = known.get(key) or _encoded(exact(line, width), is_ascii=is_ascii)
            self._known[key] = row
            rows.append(row)
        return rows


class Frame(urwid.Canvas):
    """A whole screen of encoded rows: urwid's own text canvas computes them at every drawing."""

    def __init__(self, rows: Sequence[Row], width: int) -> None:
        super().__init__()
        self._rows = rows
        self._width = width

    def cols(self) -> int:
        """Return the width."""
        return self._width

    def rows(self) -> int:
        """Return the height."""
        return len(self._rows)

    def content(
        self,
        trim_left: int = 0,
        trim_top: int = 0,
        cols: int = 0,
        rows: int = 0,
        attr: Mapping[Any, Any] | None = None,
    ) -> Iterator[Any]:
        """Return the rows; it fills the screen, so nobody asks for a part."""
        return iter(self._rows)


def _encoded(line: Line, *, is_ascii: bool) -> Row:
    row: Row = []
    is_utf8 = get_encoding_mode() == "utf8"
    for role, text in _joined(line):
        if is_utf8 and not is_ascii:  # as below, which also looks for signs of other character sets
            row.append((role, None, text.encode("utf-8", "replace")))
            continue
        encoded, charsets = apply_target_encoding(_ascii(text) if is_ascii else text)
        start = 0
        for charset, length in charsets:
            row.append((role, charset, encoded[start : start + length]))
            start += length
    return row


def _joined(line: Line) -> Line:
    """Join neighbours of one role, and a blank to what stands before it where it looks the same."""
    joined: Line = []
    for role, text in line:
        if joined:
            before, known = joined[-1]
            if before == role or (role is None and text.isspace() and _is_unseen(before)):
                joined[-1] = (before, known + text)
                continue
        if text:
            joined.append((role, text))
    return joined


def _is_unseen(role: str | None) -> bool:
    """Tell whether a blank looks the same in this role as in none."""
    return role not in _SHOWN_ON_BLANKS and not (role or "").endswith(SELECTED)


def _ascii(text: str) -> str:
    """Replace what is not ASCII by as many question marks as it took columns."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() else "?" * width_of(c) for c in text)
