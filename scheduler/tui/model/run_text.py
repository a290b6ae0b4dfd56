"""What the details of a run say: its facts, and its traceback, output, result and stack."""

from collections.abc import Iterator

from scheduler.db.console_rows import RunDetails, RunRow
from scheduler.statuses import NOT_RUN
from scheduler.tui.look import Look
from scheduler.tui.model.board import Board
from scheduler.tui.model.facts import Fact
from scheduler.tui.model.runs import lateness, outcome, waiting, worker_label
from scheduler.tui.model.states import status_state
from scheduler.tui.text import Line, clean
from scheduler.wording import duration, plural, size, stands_for_a_slot

_LIBRARY = ("site-packages", "/lib/python", "/scheduler/runner/", "/scheduler/executor/")


def left_facts(details: RunDetails, board: Board, look: Look) -> list[Fact]:
    """Return the verdict with its reason, the slot, the attempt and the worker."""
    run = details.run
    verdict: Line = [*status_state(run.status).runs(look.glyphs), ("dim", f"  {_reason(details)}")]
    if run.status == "queued":
        verdict = [*verdict, ("run", waiting(run, look))]
    attempts = f" of {len(details.attempts)}" if len(details.attempts) > 1 else ""
    by = "by hand" if run.trigger == "manual" else "by its schedule"
    worker = worker_label(run)
    return [
        ("function", [("strong", clean(board.name(run.function_id)))]),
        ("verdict", verdict),
        ("slot", _slot(details, look)),
        (
            "attempt",
            [
                (None, f"{run.attempt}{attempts}"),
                ("dim", f"   {by}"),
                *_other_attempts(details, look),
            ],
        ),
        ("worker", [(None, worker or "none")]),
    ]


def right_facts(details: RunDetails, look: Look) -> list[Fact]:
    """Return the way from the queue to the end, and what it cost."""
    run = details.run
    cost = []
    if details.cpu_seconds is not None:
        cost.append(f"cpu {duration(details.cpu_seconds)}")
    if details.peak_rss_bytes is not None:
        cost.append(f"memory {size(details.peak_rss_bytes)}")
    return [
        ("queued", _moment(run.queued_at, look)),
        ("started", _moment(run.started_at, look)),
        ("finished", _end(run, look)),
        ("lateness", [(None, lateness(run, room=60) or "-")]),
        (
            "cost",
            [(None, "  ".join(cost) or "-"), ("dim", f"  output {size(details.output_bytes)}")],
        ),
    ]


def run_text(details: RunDetails, look: Look) -> list[Line]:
    """Return stack, traceback, output and result; a traceback needs no heading."""
    lines: list[Line] = []
    for title, section in _sections(details, look):
        if lines:
            lines.append([])
        lines += [[("heading", title)], *section] if title else section
    return lines or [[("dim", _nothing(details.run))]]


def copied_text(details: RunDetails) -> str:
    """Return what is worth pasting: the traceback, else the error, the output, or the facts."""
    run = details.run
    return details.traceback or run.error or details.output or f"run {run.id} {run.status}"


def _sections(details: RunDetails, look: Look) -> Iterator[tuple[str, list[Line]]]:
    if details.stack_requested_at is not None and not details.traceback:
        stack = details.stack
        asked = look.past(details.stack_requested_at)
        waits: Line = [("run", f"asked {asked}, waiting for the answer")]
        yield "Where it is now", traceback_lines(stack) if stack else [waits]
    if details.traceback:
        yield "", traceback_lines(details.traceback)
    elif details.run.error_type:
        yield "Error", [[("error", clean(details.run.error))]]
    if details.output:
        live = " - live" if details.run.status == "running" else ""
        yield f"Output {size(details.output_bytes)}{live}", plain_lines(details.output)
    if details.result and details.result != "None":
        yield "Result", plain_lines(details.result)


def traceback_lines(text: str) -> list[Line]:
    """Return a traceback with foreign frames dim and the error in its colour."""
    lines: list[Line] = []
    is_library = False
    for row in text.rstrip().split("\n"):
        stripped = row.strip()
        if stripped.startswith("File "):
            is_library = any(part in row for part in _LIBRARY)
        role = "dim" if is_library and row.startswith(" ") else None
        if row and not row.startswith(
            (" ", "Traceback", "During", "The above", "Thread", "Current", "Awaiting")
        ):
            role = "error"
        lines.append([(role, clean(row))])
    return lines


def plain_lines(text: str) -> list[Line]:
    """Return a text's lines; a carriage return shows what it left on the line."""
    rows = text.rstrip("\n").expandtabs(8).split("\n")
    return [[(None, clean(row.rstrip("\r").rpartition("\r")[2]))] for row in rows]


def _nothing(run: RunRow) -> str:
    if run.status == "running":
        return "no output yet"
    if run.status == "queued":
        return "it has not started yet"
    if run.status in NOT_RUN:
        return "it did not start"
    return "it printed nothing and returned None"


def _reason(details: RunDetails) -> str:
    run = details.run
    parts = [clean(run.reason or "")]
    if details.signal is not None:
        parts.append(f"signal {details.signal}")
    elif details.exit_code:
        parts.append(f"exit code {details.exit_code}")
    if run.cancel_requested_at is not None and run.status == "running":
        parts.append("asked to stop")
    return ", ".join(part for part in parts if part)


def _slot(details: RunDetails, look: Look) -> Line:
    run = details.run
    slot = f"{look.exactly(run.scheduled_for)} {look.zone_name()}"
    asked_at = details.attempts[0].queued_at if details.attempts else run.queued_at
    if run.trigger == "manual" and not stands_for_a_slot(run.scheduled_for, asked_at):
        return [("dim", f"none: triggered by hand at {slot}")]
    if run.slots < 2:
        return [(None, slot)]
    since = f"   answers for {plural(run.slots, 'slot')} since {look.exactly(run.covers_from)}"
    return [(None, slot), ("dim", since)]


def _other_attempts(details: RunDetails, look: Look) -> Line:
    if len(details.attempts) < 2:
        return []
    line: Line = [(None, "  ")]
    for attempt in details.attempts:
        state = status_state(attempt.status)
        line.append((state.role, f" {attempt.attempt}{getattr(look.glyphs, state.glyph)}"))
    return line


def _moment(instant: float | None, look: Look) -> Line:
    return [(None, "-" if instant is None else look.exactly(instant))]


def _end(run: RunRow, look: Look) -> Line:
    if run.status == "running":
        return [("run", f"not yet, it runs {outcome(run, look)[0][1]}")]
    took = run.duration_seconds
    said = "" if took is None else f"   took {duration(took)}"
    return [*_moment(run.finished_at, look), ("dim", said)]
