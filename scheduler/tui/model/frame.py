"""The parts that every screen is put together from: rules, scrolled rows, boxes, the footer."""

from collections.abc import Sequence

from scheduler.tui.glyphs import Glyphs
from scheduler.tui.keys import Binding
from scheduler.tui.text import Line, centred, cut, exact, line_width, select, wrapped


def rule(
    number: str, title: Line, aside: str, width: int, glyphs: Glyphs, *, is_focused: bool
) -> Line:
    """Return a panel's title line; a focused one is thick and its number stands in a box."""
    role = "focus" if is_focused else "border"
    stroke = glyphs.thick if is_focused else glyphs.thin
    left: Line = [(role, stroke), *tab(number, title, is_focused=is_focused), (None, " ")]
    left = cut(left, width)
    right: Line = [(None, " "), ("dim", aside), (None, " "), (role, stroke * 2)] if aside else []
    space = width - line_width(left) - line_width(right)
    if space < 1:
        right, space = [], width - line_width(left)
    return exact([*left, (role, stroke * max(space, 0)), *right], width)


def tab(number: str, title: Line, *, is_focused: bool) -> Line:
    """Return a panel's number and title."""
    number_run = ("badge", f" {number} ") if is_focused else ("key", f" {number} ")
    return [number_run, (None, " "), *title] if number else [(None, " "), *title]


def scrolled(
    lines: Sequence[Line],
    width: int,
    height: int,
    glyphs: Glyphs,
    *,
    selected: int | None,
    position: float,
    share: float,
) -> list[Line]:
    """Return rows with a blank before them and a thumb at the right edge.

    selected: which of the lines is under the cursor; position: how far down (0..1) the screen is;
    share: how much of everything it shows (1 = all, no thumb).
    """
    inner = width - 2
    thumb = thumb_rows(height, position, share)
    result: list[Line] = []
    for row in range(height):
        line = lines[row] if row < len(lines) else []
        content = exact(cut(line, inner, ellipsis=glyphs.ellipsis), inner)
        content = [(None, " "), *content] if width > 1 else []
        if row == selected:
            content = select(content)
        content.append(("border", glyphs.thumb if row in thumb else " "))
        result.append(content)
    return result


def thumb_rows(height: int, position: float, share: float) -> range:
    """Return which rows of a scroll bar are its thumb."""
    if share >= 1 or height < 1:
        return range(0)
    size = min(max(round(height * share), 1), height)
    start = round((height - size) * min(max(position, 0.0), 1.0))
    return range(start, start + size)


def notice(texts: Sequence[str], width: int, height: int) -> list[Line]:
    """Return a few centred texts in the middle of an empty panel, broken where it is narrow."""
    rows = [row for text in texts for row in (wrapped(text, width - 2) or [""])]
    lines = [centred(row, width) for row in rows[: max(height, 0)]]
    above = max((height - len(lines)) // 2, 0)
    blank: Line = [(None, " " * width)]
    return [blank] * above + lines + [blank] * (height - above - len(lines))


def boxed(
    title: str, lines: Sequence[Line], width: int, glyphs: Glyphs, *, thumb: range = range(0)
) -> list[Line]:
    """Return lines in a frame, `width` columns with it; `thumb`: rows of its scroll bar."""
    top_left, top_right, bottom_left, bottom_right = glyphs.corners
    head: Line = [("border", f"{top_left} "), ("strong", title), (None, " ")]
    head = cut(head, width - 1)
    stroke = glyphs.thin * (width - 1 - line_width(head))
    boxed_lines: list[Line] = [[*head, ("border", stroke + top_right)]]
    for row, line in enumerate(lines):
        right = glyphs.thumb if row in thumb else glyphs.upright
        content = exact(line, width - 2)
        boxed_lines.append([("border", glyphs.upright), *content, ("border", right)])
    bottom: Line = [("border", bottom_left + glyphs.thin * (width - 2) + bottom_right)]
    return [*boxed_lines, bottom]


def footer(bindings: Sequence[Binding], width: int) -> Line:
    """Return the hints that fit as a whole, in order; the first ones are help and quit."""
    line: Line = [(None, " ")]
    for binding in bindings:
        key = binding.hint_key or binding.shown.split(" ")[0]
        hint: Line = [("key", key), ("dim", f" {binding.hint}")]
        gap: Line = [] if len(line) == 1 else [(None, "  ")]
        if line_width([*line, *gap, *hint]) > width:
            break
        line += [*gap, *hint]
    return exact(line, width)
