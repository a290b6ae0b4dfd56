"""The lines of functions, kept from frame to frame: most of them say what they said before."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from scheduler.db.console_rows import Mark
from scheduler.tui.look import Look
from scheduler.tui.model.board import Entry
from scheduler.tui.model.columns import Column
from scheduler.tui.model.functions import cell, joined, last_run, next_run
from scheduler.tui.text import Line

_CHANGING = frozenset({"NEXT RUN", "LAST RUN"})  # by the mere passing of time


class _Drawn(NamedTuple):
    """A line, its cells, and what they were made from."""

    lasting: tuple[Any, ...]
    changing: tuple[Any, ...]
    cells: list[Line]
    line: Line


_NOTHING = _Drawn((), (), [], [])


class DrawnLines:
    """The rows of the last frame, one line per function."""

    def __init__(self) -> None:
        self._known: dict[int, _Drawn] = {}

    def of(
        self,
        rows: Sequence[tuple[Entry, Sequence[Mark] | None]],
        table: Sequence[Column],
        look: Look,
    ) -> list[Line]:
        """Return the lines of functions with their histories, made anew only where they differ."""
        known = self._known
        self._known = {
            entry.function.id: _drawn(
                known.get(entry.function.id, _NOTHING), entry, marks, table=table, look=look
            )
            for entry, marks in rows
        }
        return [self._known[entry.function.id].line for entry, _ in rows]


def _drawn(
    before: _Drawn,
    entry: Entry,
    marks: Sequence[Mark] | None,
    *,
    table: Sequence[Column],
    look: Look,
) -> _Drawn:
    lasting, changing = (
        (look.glyphs, table, marks, entry),
        (next_run(entry, look), last_run(entry, look)),
    )
    is_known = before.lasting == lasting
    if is_known and before.changing == changing:
        return before
    cells = [
        before.cells[place]
        if is_known and column.name not in _CHANGING
        else cell(entry, marks, column, look)
        for place, column in enumerate(table)
    ]
    return _Drawn(lasting, changing, cells, joined(cells))
