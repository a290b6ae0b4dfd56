"""The panels of the overview besides the functions: recent runs, scan errors, workers."""

from scheduler.db.console_rows import ProcessRow, ScanErrorRow
from scheduler.tui.keys import ERRORS, RUNS, WORKERS
from scheduler.tui.model.frame import notice
from scheduler.tui.model.header import workers_figure
from scheduler.tui.model.inspector import inspect_error, inspect_process
from scheduler.tui.model.people import process_line, scan_error_line
from scheduler.tui.model.problems import scan_errors_sign
from scheduler.tui.rows import Rows
from scheduler.tui.screens.contract import Target
from scheduler.tui.screens.functions import FunctionsPanel
from scheduler.tui.screens.lists import scrolled_rows
from scheduler.tui.screens.runs import RunList
from scheduler.tui.screens.targets import run_target
from scheduler.tui.text import Line
from scheduler.tui.view import View


class RunsPanel(RunList):
    """Panel 2: the runs of all functions, newest first."""

    context = RUNS
    number = "2"

    @property
    def cursor(self) -> RunList:
        """What the movement keys move."""
        return self

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
        self.rows = self.cursor = Rows()

    def update(self, view: View) -> None:
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
            return notice([text] if view.badge.has_data else [], width, height)
        window = self.rows.window(height)
        errors = view.snapshot.overview.scan_errors
        lines = [scan_error_line(errors[index], view.look) for index in window]
        selected = self.rows.index - window.start if is_focused else None
        return scrolled_rows(self.rows, lines, width, height, view, selected)

    def selected(self, view: View) -> ScanErrorRow | None:
        """Return the error under the cursor."""
        errors = view.snapshot.overview.scan_errors
        return errors[self.rows.index] if self.rows.index < len(errors) else None

    def inspect(self, view: View, room: int) -> Line:
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
        errors = view.snapshot.overview.scan_errors
        count = f"{len(errors)}" if view.badge.has_data else ""
        return scan_errors_sign(errors, view.look)[0], count


class WorkersPanel:
    """Panel 4: the processes of the service."""

    context = WORKERS
    number = "4"

    def __init__(self) -> None:
        self.rows = self.cursor = Rows()

    def update(self, view: View) -> None:
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
            start = view.look.advised("scheduler run")
            texts = ("no worker has reported - start one with:", start)
            return notice(texts if view.badge.has_data else (), width, height)
        window = self.rows.window(height)
        processes = _by_role(view)
        lines = [process_line(processes[index], view) for index in window]
        selected = self.rows.index - window.start if is_focused else None
        return scrolled_rows(self.rows, lines, width, height, view, selected)

    def selected(self, view: View) -> ProcessRow | None:
        """Return the process under the cursor."""
        processes = _by_role(view)
        return processes[self.rows.index] if self.rows.index < len(processes) else None

    def inspect(self, view: View, room: int) -> Line:
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


def _by_role(view: View) -> list[ProcessRow]:
    processes = view.snapshot.overview.processes
    return sorted(processes, key=lambda process: process.role != "worker")
