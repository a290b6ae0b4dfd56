"""Lines of coloured text, measured in terminal columns exactly as urwid draws them."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

# A run is a role of the palette (None = plain) and its text; a line is what one row shows.
Run = tuple[str | None, str]
Line = list[Run]

SELECTED = " selected"
_BASE = "\u25cc"  # the dotted circle, on which Unicode shows a mark alone
_NOT_PLAIN = re.compile(r"[^\x20-\x7e]")
# Letters and signs that always take one column, ours among them: to ask urwid costs ten times more.
_NARROW = re.compile(r"[\x20-\x7e\xa1-\xac\xae-\u02ff‖…›↑↓\u2500-\u259f▴▸▾●✓✗]*")


def clean(text: str) -> str:
    """Replace what would move the cursor, hide text or reorder it; the result is one row.

    What combines has something to combine with, lest it changes what it is put behind.
    """
    if not _NOT_PLAIN.search(text):
        return text
    cleaned = "".join(_clean_character(character) for character in text)
    return _BASE + cleaned if cleaned and not width_of(cleaned[0]) else cleaned


def width_of(text: str) -> int:
    """Return how many columns the text takes."""
    return len(text) if _is_narrow(text) else _measured(text)


def fit(text: str, width: int, *, align: str = "<", ellipsis: str = "…") -> str:
    """Cut or pad a text to exactly `width` columns; align is "<" or ">"."""
    if width <= 0:
        return ""
    taken = width_of(text)
    if taken > width:
        text = cut_text(text, width - width_of(ellipsis)) + ellipsis
        if width_of(text) > width:
            text = cut_text(text, width)
        taken = width_of(text)
    padding = " " * (width - taken)
    return padding + text if align == ">" else text + padding


def cut_text(text: str, width: int) -> str:
    """Return the longest start of the text that takes at most `width` columns."""
    if width <= 0:
        return ""
    if _is_narrow(text):
        return text[:width]
    from urwid.str_util import calc_text_pos  # as below

    position, _ = calc_text_pos(text, 0, len(text), width)
    return text[:position]


def line_width(line: Iterable[Run]) -> int:
    """Return how many columns a line takes."""
    return width_of(_joined(line))


def cut(line: Line, width: int, *, ellipsis: str = "") -> Line:
    """Return the line cut to at most `width` columns, ending with the ellipsis if cut."""
    if line_width(line) <= width:
        return line
    if width <= 0:
        return []
    room = width - width_of(ellipsis)
    if room < 0:
        return cut(line, width)
    result: Line = []
    role = None
    left = len(cut_text(_joined(line), room))
    for role, text in line:
        if part := text[:left]:
            result.append((role, part))
        left -= len(part)
        if part != text:
            break
    return [*result, (role, ellipsis)] if ellipsis else result


def exact(line: Line, width: int, *, fill: str | None = None) -> Line:
    """Return the line cut or padded to exactly `width` columns; `fill` is the padding's role."""
    taken = line_width(line)
    if taken > width:
        line = cut(line, width)
        taken = line_width(line)
    return [*line, (fill, " " * (width - taken))] if taken < width else line


def ends(left: Line, right: Line, width: int, *, gap: int = 1, ellipsis: str = "…") -> Line:
    """Put one line at the left edge and one at the right; the right one yields when it is tight."""
    taken = line_width(right)
    if taken + gap > width // 2 and line_width(left) + gap + taken > width:
        right, taken = [], 0
    left = cut(left, max(width - taken - (gap if taken else 0), 0), ellipsis=ellipsis)
    space = max(width - line_width(left) - taken, 0)
    return exact([*left, (None, " " * space), *right], width)


def centred(text: str, width: int, *, role: str | None = "dim") -> Line:
    """Return a line with the text in its middle."""
    text = cut_text(text, width)
    return exact([(None, " " * ((width - width_of(text)) // 2)), (role, text)], width)


def select(line: Line) -> Line:
    """Return the line in the colours of the selected row."""
    return [((role or "text") + SELECTED, text) for role, text in line]


def block(lines: Sequence[Line], width: int, height: int) -> list[Line]:
    """Cut or pad lines to a rectangle."""
    shown = [exact(line, width) for line in lines[: max(height, 0)]]
    return shown + [[(None, " " * width)] for _ in range(height - len(shown))]


def beside(left: Sequence[Line], right: Sequence[Line]) -> list[Line]:
    """Join two blocks of the same height side by side."""
    return [[*one, *other] for one, other in zip(left, right, strict=True)]


def overlay(base: Sequence[Line], box: Sequence[Line], x: int, y: int) -> list[Line]:
    """Lay a box over a block; both are exact rectangles and the box lies inside."""
    result = list(base)
    for index, over in enumerate(box):
        if y + index < len(result):
            under = result[y + index]
            result[y + index] = [*_head(under, x), *over, *_tail(under, x + line_width(over))]
    return result


def wrapped(text: str, width: int) -> list[str]:
    """Break a text at blanks into rows of at most `width` columns."""
    rows: list[str] = []
    for word in text.split():
        if rows and width_of(rows[-1]) + 1 + width_of(word) <= width:
            rows[-1] += " " + word
        else:
            rows += _pieces(word, width)
    return rows


def _pieces(word: str, width: int) -> Iterator[str]:
    """Yield a word in rows of at most `width` columns: of a command nothing may be missing."""
    while word and (piece := cut_text(word, width)):
        yield piece
        word = word[len(piece) :]


def _head(line: Line, width: int) -> Line:
    return exact(cut(line, width), width)


def _tail(line: Line, start: int) -> Line:
    """Return what stands from a column on; half a wide character, or a mark on one, is a blank."""
    whole = _joined(line)
    room = width_of(whole) - start
    rest = whole[len(cut_text(whole, start)) :]
    while rest and (width_of(rest) > room or not width_of(rest[0])):
        rest = rest[1:]
    hidden = len(whole) - len(rest)
    padding = " " * (room - width_of(rest))
    result: Line = []
    for role, text in line:
        part = text[hidden:]
        if hidden <= len(text):  # what is half hidden stands in this run
            part, padding = padding + part, ""
        if part:
            result.append((role, part))
        hidden = max(hidden - len(text), 0)
    return result


def _joined(line: Iterable[Run]) -> str:
    """Return the text of all runs: marks combine across them."""
    return "".join([text for _, text in line])


def _is_narrow(text: str) -> bool:
    """Tell, by the quickest look, whether each of its characters takes one column."""
    return text.isascii() or _NARROW.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _measured(text: str) -> int:
    from urwid.str_util import calc_width  # the first picture is drawn before urwid is there

    return calc_width(text, 0, len(text))


def _clean_character(character: str) -> str:
    category = unicodedata.category(character)
    if character in "\t\n\r\v\f" or category in {"Zl", "Zp"}:
        return " "
    if category == "Cf":
        return ""
    return "\ufffd" if category in {"Cc", "Cs", "Co", "Cn"} else character
