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
from scheduler.tui.text import Line, clean, line_width
from scheduler.tui.view import View
from scheduler.wording import duration, stands_for_a_slot

_ROOMY = 100


def inspect_function(entry: Entry, view: View, room: int) -> Line:
    """Return sign, name, source, and the error and streak or what there is to say otherwise.

    room: how many columns there are; when they are too few, in a narrow terminal the source goes.
    """
    function, look = entry.function, view.look
    head: Line = [
        (entry.state.role, getattr(look.glyphs, entry.state.glyph)),
        ("strong", f" {clean(function.name)}"),
    ]
    source: Line = [("dim", f"  {clean(function.module_path)}:{function.line}")]
    said: Line = [(None, "  "), *_said(entry, view)]
    line = [*head, *source, *said]
    return line if line_width(line) <= room or room >= _ROOMY else [*head, *said]


def _said(entry: Entry, view: View) -> Line:
    function, look = entry.function, view.look
    if error := last_error(view.marks(function.id)):
        streak = function.consecutive_failures
        return [("dim", f"{streak} in a row: " if streak > 1 else ""), ("error", error)]
    role, text = next_run(entry, look)
    took = function.last_duration_seconds
    return [
        (None, f"every {schedule_words(function)}" if not function.cron else function.cron),
        (role, f"  {text}"),
        ("dim", f"  last {last_run(entry, look)}"),
        ("dim", "" if took is None else f" took {duration(took)}"),
        ("dim", described(view.details(function.id))),
    ]


def inspect_run(run: RunRow, view: View, room: int) -> Line:
    """Return a run's sign, function, number, slot and what became of it.

    room: how many columns there are; when they are too few the slot is told in short.
    """
    state = status_state(run.status)
    look = view.look
    head: Line = [
        (state.role, getattr(look.glyphs, state.glyph)),
        ("strong", f" {clean(view.board.name(run.function_id))}"),
        ("dim", f"  run {run.id}"),
    ]
    worker = worker_label(run)
    said: Line = [*outcome(run, look), ("dim", f"  {worker}" if worker else "")]
    if run.status == "queued":
        said = [("run", waiting(run, look))]
    is_by_hand = run.trigger == "manual" and not (
        run.attempt == 1 and stands_for_a_slot(run.scheduled_for, run.queued_at)
    )
    label = "by hand" if is_by_hand else "slot"
    slots = (look.exactly(run.scheduled_for), look.time(run.scheduled_for))
    lines: list[Line] = [[*head, ("dim", f"  {label} {slot}  "), *said] for slot in slots]
    return next((line for line in lines if line_width(line) <= room), [*head, (None, "  "), *said])


def inspect_error(error: ScanErrorRow, look: Look) -> Line:
    """Return a scan error with its age and its message on one line."""
    where = "" if error.line is None else f":{error.line}"
    return [
        scan_errors_sign([error], look),
        ("strong", f" {clean(look.short(error.path))}{where}"),
        ("error", f"  {clean(error.error_type)}: {clean(error.message)}"),
        ("dim", f"  first seen {look.past(error.first_seen_at)}"),
    ]


def inspect_process(process: ProcessRow, view: View) -> Line:
    """Return a process with its host and age before what it runs, which may be long."""
    place = f"on {clean(process.host)}, up {view.look.since(process.started_at)}  "
    # How many are busy is in the line already.
    notes = [note for note in (process.detail or "").split("; ") if not note.endswith(" busy")]
    said = clean("; ".join(notes))
    return [*process_line(process, view, place=place), ("dim", f"  {said}" if said else "")]
