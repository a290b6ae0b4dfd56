"""The four panels of the overview: what their rows are and how each one is drawn."""

from collections.abc import Hashable, Sequence

from scheduler.db.console_rows import ProcessRow, RunRow, ScanErrorRow
from scheduler.tui.keys import ERRORS, FUNCTIONS, RUNS, WORKERS
from scheduler.tui.model.board import SORTS, Entry
from scheduler.tui.model.columns import columns
from scheduler.tui.model.frame import notice, scrolled
from scheduler.tui.model.functions import function_line, heading
from scheduler.tui.model.header import workers_figure
from scheduler.tui.model.inspector import inspect_error, inspect_function, inspect_process
from scheduler.tui.model.people import process_line, scan_error_line
from scheduler.tui.rows import Rows
from scheduler.tui.screens.contract import Target
from scheduler.tui.screens.runs import RunList
from scheduler.tui.text import Line, clean, exact
from scheduler.tui.view import View


class FunctionsPanel:
    """Panel 1: all functions, sorted and filtered; the order is held while the user acts."""

    context = FUNCTIONS
    number = "1"

    def __init__(self) -> None:
        self.rows = Rows()
        self.sort = SORTS[0]
        self.is_reversed = False
        self.filter = ""
        self.is_failing = False
        self.visible: tuple[int, ...] = ()
        self._drawn_from: object = None

    def update(self, view: View, *, is_held: bool) -> None:
        """Take the functions of a new board; held, the known ones keep their places."""
        if view.board is self._drawn_from:
            return
        was_drawn, self._drawn_from = self._drawn_from is not None, view.board
        order = view.board.ordered(
            self.sort, is_reversed=self.is_reversed, text=self.filter, failing=self.is_failing
        )
        if is_held and was_drawn:
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
        table = columns(
            width - 2,
            longest_name=view.board.longest_name,
            longest_file=view.board.longest_file,
        )
        head = heading(table, self.sort, view.look, is_reversed=self.is_reversed)
        heads = [exact([(None, " "), *head], width)] if height > 2 else []
        room = max(height - len(heads), 1)
        window = self.rows.window(room)
        entries = [self._entry(view, self.rows.keys[index]) for index in window]
        self.visible = tuple(entry.function.id for entry in entries if entry)
        if not self.rows.keys:
            return [*heads, *notice(self._empty(view), width, room)][:height]
        lines: list[Line] = [
            function_line(entry, view.marks(entry.function.id), table, view.look) if entry else []
            for entry in entries
        ]
        selected = self.rows.index - window.start if is_focused else None
        return [*heads, *_scrolled(self.rows, lines, width, room, view, selected)][:height]

    def sort_at(self, x: int, view: View, width: int) -> None:
        """Order by the column whose title is at x; again: the other way round."""
        table = columns(
            width - 2,
            longest_name=view.board.longest_name,
            longest_file=view.board.longest_file,
        )
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

    def inspect(self, view: View) -> Line:
        """Return the function under the cursor in full."""
        entry = self.selected(view)
        if entry is None:
            return []
        return inspect_function(entry, view.marks(entry.function.id), view.look)

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
                "then run: scheduler scan",
            )
        if view.badge.trouble and view.badge.trouble.kind == "missing":
            return (
                f"Database not found: {view.look.config.db_path}",
                "",
                "Start the service with: scheduler run",
                "This console connects by itself.",
            )
        return ("reading the database",)


class RunsPanel(RunList):
    """Panel 2: the runs of all functions, newest first."""

    context = RUNS
    number = "2"

    def title(self, view: View) -> Line:
        """Return the name."""
        failing: Line = [("fail", "  failing only")] if self.window.is_failing else []
        return [("strong", "Recent runs"), *failing]

    short_title = title

    def target(self, view: View) -> Target:
        """Return the run under the cursor and its function."""
        run = self.selected_run()
        if run is None:
            return Target()
        entry = view.board.entries.get(run.function_id)
        function = entry.function if entry else None
        return run_target(run, view) if function else Target(run=run, text=run.error)


class ErrorsPanel:
    """Panel 3: the files that cannot be scanned."""

    context = ERRORS
    number = "3"

    def __init__(self) -> None:
        self.rows = Rows()

    def update(self, view: View, *, is_held: bool) -> None:
        """Take the errors of a snapshot."""
        self.rows.replace([error.path for error in view.snapshot.overview.scan_errors])

    def title(self, view: View) -> Line:
        """Return the name and the count."""
        return [("strong", "Scan errors "), self._count(view)]

    def short_title(self, view: View) -> Line:
        """Return a shorter name and the count, for a tab."""
        return [("dim", "Errors "), self._count(view)]

    def aside(self) -> str:
        """Return nothing: the order is by path."""
        return ""

    def render(self, view: View, width: int, height: int, *, is_focused: bool) -> list[Line]:
        """Return the rows that fit."""
        if not self.rows.keys:
            is_scanned = view.snapshot.overview.last_scan is not None
            text = "none - every file imported cleanly" if is_scanned else "no scan yet"
            return notice([text], width, height)
        window = self.rows.window(height)
        errors = view.snapshot.overview.scan_errors
        lines = [scan_error_line(errors[index], view.look) for index in window]
        selected = self.rows.index - window.start if is_focused else None
        return _scrolled(self.rows, lines, width, height, view, selected)

    def selected(self, view: View) -> ScanErrorRow | None:
        """Return the error under the cursor."""
        errors = view.snapshot.overview.scan_errors
        return errors[self.rows.index] if self.rows.index < len(errors) else None

    def inspect(self, view: View) -> Line:
        """Return the error under the cursor in full."""
        error = self.selected(view)
        return inspect_error(error, view.look) if error else []

    def target(self, view: View) -> Target:
        """Return the file under the cursor."""
        error = self.selected(view)
        if error is None:
            return Target()
        text = error.traceback or f"{error.path}: {error.error_type}: {error.message}"
        return Target(path=error.path, line=error.line or 1, text=text)

    def _count(self, view: View) -> tuple[str, str]:
        count = len(view.snapshot.overview.scan_errors)
        return "fail" if count else "ok", f"{count}"


class WorkersPanel:
    """Panel 4: the processes of the service."""

    context = WORKERS
    number = "4"

    def __init__(self) -> None:
        self.rows = Rows()

    def update(self, view: View, *, is_held: bool) -> None:
        """Take the processes of a snapshot, workers first."""
        self.rows.replace([process.id for process in _by_role(view)])

    def title(self, view: View) -> Line:
        """Return the name and how many live."""
        return [("strong", "Workers "), *workers_figure(view, is_wide=True)]

    def short_title(self, view: View) -> Line:
        """Return the name and how many live, for a tab."""
        return [("dim", "Workers "), *workers_figure(view, is_wide=False)]

    def aside(self) -> str:
        """Return nothing: the order is by role and start."""
        return ""

    def render(self, view: View, width: int, height: int, *, is_focused: bool) -> list[Line]:
        """Return the rows that fit."""
        if not self.rows.keys:
            texts = ("no worker has reported - start one with:", "scheduler run")
            return notice(texts, width, height)
        window = self.rows.window(height)
        processes = _by_role(view)
        lines = [process_line(processes[index], view) for index in window]
        selected = self.rows.index - window.start if is_focused else None
        return _scrolled(self.rows, lines, width, height, view, selected)

    def selected(self, view: View) -> ProcessRow | None:
        """Return the process under the cursor."""
        processes = _by_role(view)
        return processes[self.rows.index] if self.rows.index < len(processes) else None

    def inspect(self, view: View) -> Line:
        """Return the process under the cursor in full."""
        process = self.selected(view)
        return inspect_process(process, view) if process else []

    def target(self, view: View) -> Target:
        """Return the run that the process under the cursor runs, if it runs one."""
        process = self.selected(view)
        if process is None:
            return Target()
        for run in view.snapshot.overview.running:
            if run.claimed_by == process.id:
                return run_target(run, view)
        return Target(text=f"{process.role} {process.id} pid {process.pid} on {process.host}")


Panel = FunctionsPanel | RunsPanel | ErrorsPanel | WorkersPanel


def function_target(entry: Entry, view: View) -> Target:
    """Return a function as a target; its text is what one would paste into a ticket."""
    function = entry.function
    marks = view.marks(function.id) or ()
    error = marks[-1].error if marks else ""
    path = f"{function.scan_path}/{function.module_path}"
    text = f"{function.name}  {path}:{function.line}  {entry.state.word}  {error}".rstrip()
    run = entry.running[0] if entry.running else None
    return Target(function=function, run=run, path=path, line=function.line, text=text)


def run_target(run: RunRow, view: View) -> Target:
    """Return a run as a target, with its function's place."""
    entry = view.board.entries.get(run.function_id)
    if entry is None:
        return Target(run=run, text=run.error)
    place = function_target(entry, view)
    text = f"run {run.id}  {place.function.name if place.function else ''}  {run.status}"
    text = f"{text}  {run.error}".rstrip()
    return Target(function=place.function, run=run, path=place.path, line=place.line, text=text)


def _by_role(view: View) -> list[ProcessRow]:
    processes = view.snapshot.overview.processes
    return sorted(processes, key=lambda process: process.role != "worker")


def _scrolled(
    rows: Rows, lines: list[Line], width: int, height: int, view: View, selected: int | None
) -> list[Line]:
    total = len(rows.keys)
    position = rows.top / max(total - height, 1)
    return scrolled(
        lines,
        width,
        height,
        view.look.glyphs,
        selected=selected,
        position=position,
        share=height / max(total, 1),
    )
