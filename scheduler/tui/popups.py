"""What lies over a screen: the help that is also the palette, and the list of problems."""

from collections.abc import Callable, Sequence
from typing import Protocol

from scheduler.tui.glyphs import Glyphs
from scheduler.tui.keys import Binding, commands
from scheduler.tui.model.frame import boxed
from scheduler.tui.model.problems import Problem
from scheduler.tui.model.states import LEGEND
from scheduler.tui.text import Line, clean, exact, fit, overlay, select

_TWO_COLUMNS = 74
_KEYS_WIDTH = 9


class Popup(Protocol):
    """A box over the screen that takes all keys until it closes."""

    def over(self, base: list[Line], width: int, height: int, glyphs: Glyphs) -> list[Line]: ...
    def press(self, action: str) -> bool:
        """Take the action of a key; True when the box closes."""
        ...


class Help:
    """Every key of a context; enter does what the selected line says."""

    def __init__(self, context: str, perform: Callable[[str], None], *, is_read_only: bool) -> None:
        self._commands = commands(context, read_only=is_read_only)
        self._perform = perform
        self._index = 0
        self._top = 0
        self._columns = 1

    def over(self, base: list[Line], width: int, height: int, glyphs: Glyphs) -> list[Line]:
        """Lay the box over a screen."""
        self._columns = 2 if width >= _TWO_COLUMNS else 1
        inner = max(min(width - 4, 92), 1)
        rows = self._table(inner, glyphs)
        room = max(height - 3, 1)
        here = self._row_of(self._index)
        self._top = min(max(self._top, here - room + 1, 0), here, max(len(rows) - room, 0))
        shown = rows[self._top : self._top + room]
        hint = "Keys and states" if width < 50 else "Keys and states - enter does it, esc closes"
        return _laid(base, hint, shown, inner + 2, width, height, glyphs)

    def press(self, action: str) -> bool:
        """Move, perform or close."""
        rows = self._rows()
        steps = {
            "up": -1,
            "down": 1,
            "page_up": -5,
            "page_down": 5,
            "first": -99,
            "last": 99,
            "next_panel": rows,
        }
        if action in steps:
            last = len(self._commands) - 1
            step = steps[action]
            wraps = action == "next_panel" and self._index + step > last
            self._index = self._index % rows if wraps else min(max(self._index + step, 0), last)
            return False
        if action == "enter":
            chosen = self._commands[self._index]
            if chosen.is_command and chosen.action not in {"help", "enter"}:
                self._perform(chosen.action)
                return True
        return action in {"enter", "back", "help", "quit"}

    def _rows(self) -> int:
        return -(-len(self._commands) // self._columns)

    def _row_of(self, index: int) -> int:
        return index % self._rows()

    def _table(self, width: int, glyphs: Glyphs) -> list[Line]:
        rows = self._rows()
        each = width // self._columns
        table: list[Line] = []
        for row in range(rows):
            line: Line = []
            for index in range(row, len(self._commands), rows):
                cell = _command(self._commands[index], each, glyphs)
                line += select(cell) if index == self._index else cell
            table.append(exact(line, width))
        return [*table, exact([], width), *_legend(width, glyphs)]


class Problems:
    """All problems with their remedies."""

    def __init__(self, found: Sequence[Problem]) -> None:
        self._found = found

    def over(self, base: list[Line], width: int, height: int, glyphs: Glyphs) -> list[Line]:
        """Lay the box over a screen."""
        inner = max(min(width - 4, 100), 1)
        lines: list[Line] = []
        for problem in self._found:
            role = "fail" if problem.is_severe else "warn"
            sign = glyphs.fail if problem.is_severe else glyphs.warn
            lines.append([(role, f" {sign} {clean(problem.text)}")])
            lines.append([("dim", f"     {clean(problem.remedy)}")])
        if not lines:
            lines = [[("ok", f" {glyphs.ok} none: everything is as it should be")]]
        return _laid(base, "Problems - esc closes", lines, inner + 2, width, height, glyphs)

    def press(self, action: str) -> bool:
        """Close on any key."""
        return True


def _command(binding: Binding, width: int, glyphs: Glyphs) -> Line:
    keys = binding.shown.replace("↑", glyphs.arrows[0]).replace("↓", glyphs.arrows[1])
    line: Line = [("key", f" {fit(keys, _KEYS_WIDTH)}"), (None, binding.does)]
    return exact(line, width)


def _legend(width: int, glyphs: Glyphs) -> list[Line]:
    per_row = 2 if width >= _TWO_COLUMNS - 4 else 1
    each = width // per_row
    lines: list[Line] = []
    for start in range(0, len(LEGEND), per_row):
        line: Line = []
        for state in LEGEND[start : start + per_row]:
            cell: Line = [(None, " "), *state.runs(glyphs), (None, "   "), ("dim", state.meaning)]
            line += exact(cell, each)
        lines.append(exact(line, width))
    return lines


def _laid(
    base: list[Line],
    title: str,
    lines: Sequence[Line],
    box_width: int,
    width: int,
    height: int,
    glyphs: Glyphs,
) -> list[Line]:
    box_width = min(box_width, width)
    if box_width < 4 or height < 3:
        return base
    box = boxed(title, lines[: height - 2], box_width, glyphs)
    return overlay(base, box, (width - box_width) // 2, max((height - len(box)) // 2, 0))
