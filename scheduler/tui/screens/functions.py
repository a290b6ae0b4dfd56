"""The panel of the functions."""

from collections.abc import Hashable, Sequence

from scheduler.tui.keys import FUNCTIONS
from scheduler.tui.model.board import SORTS, Entry
from scheduler.tui.model.columns import Column, columns
from scheduler.tui.model.drawn import DrawnLines
from scheduler.tui.model.frame import notice
from scheduler.tui.model.functions import heading
from scheduler.tui.model.inspector import inspect_function
from scheduler.tui.rows import Rows
from scheduler.tui.screens.contract import Target
from scheduler.tui.screens.lists import scrolled_rows
from scheduler.tui.screens.targets import function_target
from scheduler.tui.snapshot import Trouble
from scheduler.tui.text import Line, clean, exact
from scheduler.tui.view import View


class FunctionsPanel:
    """Panel 1: all functions, sorted and filtered; the order is held while the user acts."""

    context = FUNCTIONS
    number = "1"

    def __init__(self) -> None:
        self.rows = self.cursor = Rows()
        self.sort = SORTS[0]
        self.is_reversed = False
        self.filter = ""
        self.is_failing = False
        self.visible: tuple[int, ...] = ()
        self._drawn_from: object = None
        self._lines = DrawnLines()

    def update(self, view: View) -> None:
        """Take the functions of a new board; held, the known ones keep their places."""
        if view.board is self._drawn_from:
            return
        was_drawn, self._drawn_from = self._drawn_from is not None, view.board
        order = view.board.ordered(
            self.sort, is_reversed=self.is_reversed, text=self.filter, failing=self.is_failing
        )
        if view.is_held and was_drawn:
            wanted = set(order)
            kept = [key for key in self.rows.keys if key in wanted]
            have = set(kept)
            order = [*kept, *(key for key in order if key not in have)]
        self.rows.replace(order)

    def reorder(self) -> None:
        """Sort and filter anew at the next frame, held or not."""
        self._drawn_from = None

    def short_title(self, view: View) -> Line:
        """Return the name and the count."""
        if not view.badge.has_data:
            return [("strong", "Functions")]
        total, shown = len(view.board.entries), len(self.rows.keys)
        count = f"{total:,}" if shown == total else f"{shown:,} of {total:,}"
        title: Line = [("strong", f"Functions {count}")]
        if self.filter:
            title.append(("warn", f"  /{clean(self.filter)}"))
        return [*title, ("fail", "  failing only")] if self.is_failing else title

    title = short_title

    def aside(self) -> str:
        """Return the order's name."""
        return f"sort: {self.sort.name}{' reversed' if self.is_reversed else ''}"

    def render(self, view: View, width: int, height: int, *, is_focused: bool) -> list[Line]:
        """Return the heading and the rows that fit."""
        table = _table(view, width)
        head = heading(table, self.sort, view.look, is_reversed=self.is_reversed)
        heads = [exact([(None, " "), *head], width)] if height > 2 else []
        room = max(height - len(heads), 1)
        window = self.rows.window(room)
        entries = [entry for index in window if (entry := self.entry_at(view, index))]
        self.visible = tuple(entry.function.id for entry in entries)
        if not self.rows.keys:
            return [*heads, *notice(self._empty(view), width, room)][:height]
        rows = [(entry, view.marks(entry.function.id)) for entry in entries]
        lines = self._lines.of(rows, table, view.look)
        selected = self.rows.index - window.start if is_focused else None
        return [*heads, *scrolled_rows(self.rows, lines, width, room, view, selected)][:height]

    def sort_at(self, x: int, view: View, width: int) -> None:
        """Order by the column whose title is at x; again: the other way round."""
        table = _table(view, width)
        for column in table:
            if column.x <= x - 1 <= column.x + column.width:
                for sort in SORTS:
                    if sort.column == column.name:
                        self.is_reversed = not self.is_reversed if sort is self.sort else False
                        self.sort = sort
        self.reorder()

    def selected(self, view: View) -> Entry | None:
        """Return the function under the cursor."""
        return self._entry(view, self.rows.selected)

    def entry_at(self, view: View, index: int) -> Entry | None:
        """Return the function of a row."""
        return self._entry(view, self.rows.keys[index])

    def inspect(self, view: View, room: int) -> Line:
        """Return the function under the cursor in full."""
        entry = self.selected(view)
        return inspect_function(entry, view, room) if entry else []

    def target(self, view: View) -> Target:
        """Return the function under the cursor and its running run."""
        entry = self.selected(view)
        if entry is None:
            return Target()
        return function_target(entry, view)

    def _entry(self, view: View, key: Hashable) -> Entry | None:
        return view.board.entries.get(key) if isinstance(key, int) else None

    def _empty(self, view: View) -> Sequence[str]:
        if view.board.entries:
            return ("nothing matches", "esc clears the filter")
        if view.badge.has_data:
            return (
                "No scheduled functions yet.",
                "",
                "Decorate one with @schedule(timedelta(minutes=5)) in a scanned folder,",
                view.look.advised("then run: scheduler scan"),
            )
        if view.badge.trouble:
            return _trouble(view.badge.trouble, view)
        return ("reading the database",)


def _trouble(trouble: Trouble, view: View) -> Sequence[str]:
    """Say in full why there is nothing to show, and what helps; `text` may be of the driver."""
    config = view.look.config
    place = config.database_label
    first = "Create it, then start" if config.database_url else "Start"
    says = {
        "missing": (f"Database not found: {place}", f"{first} the service with: scheduler run"),
        "locked": (f"Database locked: {place}", "Another program keeps it to itself."),
        "schema": (f"Database: {place}", trouble.text),
    }
    lines = says.get(trouble.kind, (f"Database cannot be read: {place}", trouble.text))
    return (
        clean(lines[0]),
        "",
        clean(view.look.advised(lines[1])),
        "This console connects by itself.",
    )


def _table(view: View, width: int) -> tuple[Column, ...]:
    """Choose the columns for a panel: a blank stands before the rows, the scroll bar after."""
    board = view.board
    return columns(width - 2, longest_name=board.longest_name, longest_file=board.longest_file)
