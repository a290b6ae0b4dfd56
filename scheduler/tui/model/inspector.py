"""The inspector: the row under the cursor in full, on the line above the footer."""

from scheduler.db.console_rows import ProcessRow, RunRow, ScanErrorRow
from scheduler.tui.look import Look
from scheduler.tui.model.board import Entry
from scheduler.tui.model.functions import (
    described,
    last_error,
    last_run,
    next_run,
    schedule_words,
)
from scheduler.tui.model.people import process_line
from scheduler.tui.model.problems import scan_errors_sign
from scheduler.tui.model.runs import outcome, waiting, worker_label
from scheduler.tui.model.states import status_state
from scheduler.tui.text import Line, clean
from scheduler.tui.view import View
from scheduler.wording import duration


def inspect_function(entry: Entry, view: View) -> Line:
    """Return sign, name, source, and the error and streak or what there is to say otherwise."""
    function, look = entry.function, view.look
    line: Line = [
        (entry.state.role, getattr(look.glyphs, entry.state.glyph)),
        ("strong", f" {clean(function.name)}"),
        ("dim", f"  {clean(function.module_path)}:{function.line}  "),
    ]
    error = last_error(view.marks(function.id))
    if error:
        if function.consecutive_failures > 1:
            line.append(("dim", f"{function.consecutive_failures} in a row: "))
        return [*line, ("error", error)]
    role, text = next_run(entry, look)
    took = function.last_duration_seconds
    return [
        *line,
        (None, f"every {schedule_words(function)}" if not function.cron else function.cron),
        (role, f"  {text}"),
        ("dim", f"  last {last_run(entry, look)}"),
        ("dim", "" if took is None else f" took {duration(took)}"),
        ("dim", described(view.details(function.id))),
    ]


def inspect_run(run: RunRow, view: View) -> Line:
    """Return a run's sign, function, number, slot and what became of it."""
    state = status_state(run.status)
    look = view.look
    line: Line = [
        (state.role, getattr(look.glyphs, state.glyph)),
        ("strong", f" {clean(view.board.name(run.function_id))}"),
        ("dim", f"  run {run.id}  slot {look.exactly(run.scheduled_for)}  "),
    ]
    if run.status == "queued":
        return [*line, ("run", waiting(run, look))]
    worker = worker_label(run)
    return [*line, *outcome(run, look), ("dim", f"  {worker}" if worker else "")]


def inspect_error(error: ScanErrorRow, look: Look) -> Line:
    """Return a scan error with its age and its message on one line."""
    where = "" if error.line is None else f":{error.line}"
    return [
        scan_errors_sign([error], look),
        ("strong", f" {clean(look.short(error.path))}{where}"),
        ("error", f"  {clean(error.error_type)}: {clean(error.message)}"),
        ("dim", f"  since {look.past(error.first_seen_at)}"),
    ]


def inspect_process(process: ProcessRow, view: View) -> Line:
    """Return a process with its host and age before what it runs, which may be long."""
    place = f"on {clean(process.host)}, up {view.look.since(process.started_at)}  "
    detail = f"  {clean(process.detail)}" if process.detail else ""
    return [*process_line(process, view, place=place), ("dim", detail)]
