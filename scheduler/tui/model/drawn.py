"""The lines of functions, kept from frame to frame: most rows say what they said before."""

from collections.abc import Sequence
from typing import Any

from scheduler.db.console_rows import Mark
from scheduler.tui.look import Look
from scheduler.tui.model.board import Entry
from scheduler.tui.model.columns import Column
from scheduler.tui.model.functions import function_line, last_run, next_run
from scheduler.tui.text import Line


class DrawnLines:
    """What `function_line` returned for the rows of the last frame, and from what it was made."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[Any, ...], Line]] = {}

    def of(
        self,
        rows: Sequence[tuple[Entry, Sequence[Mark] | None]],
        table: Sequence[Column],
        look: Look,
    ) -> list[Line]:
        """Return the lines of functions with their histories, made anew only where they differ."""
        known, self._known = self._known, {}
        lines = []
        for entry, marks in rows:
            # All that the passing of time changes in a line are these two texts.
            made_from = (
                next_run(entry, look),
                last_run(entry, look),
                look.glyphs,
                table,
                marks,
                entry,
            )
            before, line = known.get(entry.function.id, ((), []))
            if before != made_from:
                line = function_line(entry, marks, table, look)
            self._known[entry.function.id] = (made_from, line)
            lines.append(line)
        return lines
