"""What lies over a screen: the help that is also the palette, and the list of problems."""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Protocol

from scheduler.tui.glyphs import Glyphs
from scheduler.tui.keys import GROUPS, Binding, commands
from scheduler.tui.model.frame import boxed, thumb_rows
from scheduler.tui.model.problems import Problem
from scheduler.tui.model.states import LEGEND, State
from scheduler.tui.text import Line, clean, cut, exact, fit, overlay, select, wrapped

_TWO_COLUMNS = 80
_WIDEST = 92
_KEYS_WIDTH = 10


class Popup(Protocol):
    """A box over the screen that takes all keys until it closes."""

    def over(self, base: list[Line], width: int, height: int, glyphs: Glyphs) -> list[Line]: ...
    def press(self, action: str) -> bool:
        """Take the action of a key; True when the box closes."""
        ...


# What stands in one column of the help: a heading, a key, a state, or nothing.
Item = str | Binding | State | None


class Help:
    """Every key of a context by group; enter does what the selected line says."""

    def __init__(self, context: str, perform: Callable[[str], None], *, is_read_only: bool) -> None:
        self._lines = commands(context, read_only=is_read_only)
        self._commands = [line for line in self._lines if line.is_command]
        self._perform = perform
        self._index = 0
        self._beyond = 0
        self._top = 0
        self._columns: list[list[Item]] = []

    def over(self, base: list[Line], width: int, height: int, glyphs: Glyphs) -> list[Line]:
        """Lay the box over a screen."""
        self._columns = self._arranged(2 if width >= _TWO_COLUMNS else 1)
        inner = max(min(width - 4, _WIDEST), 1)
        rows = self._table(inner, glyphs)
        room = max(height - 3, 1)
        here = self._here(len(rows))
        self._top = min(max(self._top, here - room + 1, 0), here, max(len(rows) - room, 0))
        thumb = thumb_rows(room, self._top / max(len(rows) - room, 1), room / len(rows))
        hint = "Keys and states" + (" - enter does it, esc closes" if width >= 50 else "")
        shown = rows[self._top : self._top + room]
        return _laid(base, hint, shown, inner + 2, width, height, glyphs, thumb=thumb)

    def press(self, action: str) -> bool:
        """Move, perform or close."""
        end = len(self._lines) + len(LEGEND)
        steps = {"up": -1, "down": 1, "page_up": -5, "page_down": 5, "first": -2 * end, "last": end}
        if action in steps:
            self._move(steps[action])
        elif action == "next_panel":
            self._cross()
        elif action == "enter":
            self._perform(self._commands[self._index].action)
        return action in {"enter", "back", "help", "quit"}

    def _arranged(self, columns: int) -> list[list[Item]]:
        """Put the groups into columns, the states after the last group."""
        blocks: dict[str, list[Item]] = {}
        for binding in self._lines:
            blocks.setdefault(binding.group, [binding.group]).append(binding)
        states: list[Item] = ["States", *LEGEND]
        left = [blocks[group] for group in GROUPS[:-1] if group in blocks]
        right = [blocks[group] for group in GROUPS[-1:] if group in blocks]
        if columns == 1:
            return [_joined([*left, *right, states])]
        return [_joined(left), _joined([*right, states])]

    def _move(self, amount: int) -> None:
        """Move over the lines, and past the last one over what cannot be selected."""
        last = len(self._commands) - 1
        to = self._index + self._beyond + amount
        self._index = min(max(to, 0), last)
        self._beyond = max(to - last, 0)

    def _here(self, rows: int) -> int:
        """Return which row must be seen."""
        if self._index == 0:
            return 0
        place = self._place()[1]
        self._beyond = min(self._beyond, rows - 1 - place)
        return place + self._beyond

    def _place(self) -> tuple[int, int]:
        """Return the column and row of the selected line."""
        chosen = self._commands[self._index]
        for column, items in enumerate(self._columns):
            if chosen in items:
                return column, items.index(chosen)
        return 0, 0

    def _cross(self) -> None:
        """Go to the nearest line of the other column."""
        column, row = self._place()
        other = self._columns[(column + 1) % len(self._columns)]
        places = [(abs(at - row), item) for at, item in enumerate(other) if item in self._commands]
        nearest = min(places, key=lambda place: place[0])[1]
        self._index, self._beyond = self._commands.index(nearest), 0

    def _table(self, width: int, glyphs: Glyphs) -> list[Line]:
        each = width // len(self._columns)
        chosen = self._commands[self._index]
        table: list[Line] = []
        for items in zip_longest(*self._columns):
            line: Line = []
            for item in items:
                cell = exact(_item(item, glyphs), each)
                line += select(cell) if item is chosen else cell
            table.append(exact(line, width))
        return table


class Problems:
    """All problems with their remedies, as they are now; it scrolls, any other key closes it."""

    def __init__(self, found: Callable[[], Sequence[Problem]]) -> None:
        self._found = found
        self._top = 0
        self._last_top = 0

    def over(self, base: list[Line], width: int, height: int, glyphs: Glyphs) -> list[Line]:
        """Lay the box over a screen."""
        inner = max(min(width - 4, 100), 1)
        lines: list[Line] = []
        for problem in self._found():
            role = "fail" if problem.is_severe else "warn"
            sign = glyphs.fail if problem.is_severe else glyphs.warn
            text = wrapped(clean(problem.text), inner - 4)
            lines += [
                [(role, f" {mark} {row}")] for mark, row in zip_longest(sign, text, fillvalue=" ")
            ]
            lines += [[("dim", f"     {row}")] for row in wrapped(clean(problem.remedy), inner - 6)]
        if not lines:
            lines = [[("ok", f" {glyphs.ok} none: everything is as it should be")]]
        room = max(height - 2, 1)
        self._last_top = max(len(lines) - room, 0)
        self._top = min(self._top, self._last_top)
        thumb = thumb_rows(room, self._top / max(self._last_top, 1), room / len(lines))
        lines = [cut(line, inner, ellipsis=glyphs.ellipsis) for line in lines[self._top :]]
        title = "Problems - esc closes"
        return _laid(base, title, lines, inner + 2, width, height, glyphs, thumb=thumb)

    def press(self, action: str) -> bool:
        """Scroll, or close."""
        steps = {"up": -1, "down": 1, "page_up": -10, "page_down": 10}
        if action not in steps or not self._last_top:
            return True
        self._top = min(max(self._top + steps[action], 0), self._last_top)
        return False


def _joined(blocks: Sequence[Sequence[Item]]) -> list[Item]:
    items: list[Item] = []
    for block in blocks:
        items += [*([None] if items else []), *block]
    return items


def _item(item: Item, glyphs: Glyphs) -> Line:
    match item:
        case str():
            return [("strong", f" {item}")]
        case State():
            state = item.runs(glyphs)
            return [(None, " "), *state, (None, " " * (_KEYS_WIDTH - 6)), (None, item.meaning)]
        case Binding():
            keys = item.shown.replace("↑", glyphs.arrows[0]).replace("↓", glyphs.arrows[1])
            return [("key", f" {fit(keys, _KEYS_WIDTH)}"), (None, item.does)]
    return []


def _laid(
    base: list[Line],
    title: str,
    lines: Sequence[Line],
    box_width: int,
    width: int,
    height: int,
    glyphs: Glyphs,
    *,
    thumb: range = range(0),
) -> list[Line]:
    box_width = min(box_width, width)
    if box_width < 4 or height < 3:
        return base
    box = boxed(title, lines[: height - 2], box_width, glyphs, thumb=thumb)
    return overlay(base, box, (width - box_width) // 2, max((height - len(box)) // 2, 0))
