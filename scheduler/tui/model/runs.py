"""Runs as lines: when, what became of it, how long it took, how late it was and why."""

from scheduler.db.console_rows import RunRow
from scheduler.tui.look import Look
from scheduler.tui.model.board import Board
from scheduler.tui.model.states import status_state
from scheduler.tui.text import Line, clean, fit, line_width
from scheduler.wording import duration, plural, short_id

_NAME_MIN, _NAME_MAX = 16, 40
_ROOMY = 60
_TOOK, _WORKER = 8, 7


def run_line(run: RunRow, board: Board, look: Look, width: int, *, has_name: bool = True) -> Line:
    """Return a run's row for a width; the caller cuts what is too long."""
    ellipsis = look.glyphs.ellipsis
    line: Line = [("dim", look.time(run.shown_at)), (None, " ")]
    line += [*status_state(run.status).runs(look.glyphs), (None, " ")]
    if has_name:
        room = min(max(width * 2 // 5, _NAME_MIN), max(board.longest_name, _NAME_MIN), _NAME_MAX)
        line += [(None, fit(clean(board.name(run.function_id)), room, ellipsis=ellipsis))]
    is_roomy = width >= _ROOMY or not has_name
    if run.started_at is not None and is_roomy:
        took = run.duration_seconds
        line.append((None, fit("" if took is None else duration(took), _TOOK, align=">") + " "))
        line.append(("dim", fit(worker_label(run), _WORKER)))
        return [*line, *outcome(run, look, room=width - line_width(line))]
    said = outcome(run, look, room=width - line_width(line) - 2)
    # Below what others say if it fits there, else it may use the columns that it leaves empty.
    gap = _TOOK + 1 + _WORKER if is_roomy else 2
    gap = gap if line_width(line) + gap + line_width(said) <= width else 2
    return [*line, (None, " " * gap), *said]


def worker_label(run: RunRow) -> str:
    """Return the short name of the worker that has or had the run."""
    return "" if run.claimed_by is None else clean(short_id(run.claimed_by))


def outcome(run: RunRow, look: Look, *, room: int = 60) -> Line:
    """Return what else is worth knowing: the error, the reason, or how late it started.

    room: how many columns there are; what it says gets shorter, and may still be cut.
    """
    error = clean(run.error)
    if error:
        return [("error", error)]
    if run.status in {"skipped", "missed", "cancelled"}:
        why = run.reason or ("asked to stop" if run.status == "cancelled" else "")
        return [("dim", f"{clean(why)}{_covered(run)}")]
    if run.status == "running":
        asked = ", asked to stop" if run.cancel_requested_at else ""
        return [("run", f"for {look.since(run.started_at or look.now)}{asked}")]
    if run.status == "queued":
        return [("run", waiting(run, look))]
    return [("dim", f"{lateness(run, room=room)}{_attempt(run)}{_covered(run)}")]


def waiting(run: RunRow, look: Look) -> str:
    """Say what a queued run waits for."""
    if run.available_at is None:
        return "held until the run before it ends"
    if run.available_at > look.now:
        return f"{'retry' if run.attempt > 1 else 'starts'} {look.future(run.available_at)}"
    verb = "starting" if run.claimed_by else "waits"
    return f"{verb} {look.since(run.ready_at)}"


def lateness(run: RunRow, *, room: int) -> str:
    """Say how late a run started, with the ticker's and the queue's part if there is room."""
    wait = run.queue_wait_seconds
    if wait is None:
        return ""
    ticker = run.ticker_lateness_seconds
    if ticker is None:
        return f"waited {duration(wait)}"
    held = run.held_seconds
    late = f"late {duration(ticker + held + wait)}"
    middle = f"held {duration(held)} + " if held >= 0.001 else ""
    parts = f"tick {duration(ticker)} + {middle}queue {duration(wait)}"
    texts = (f"{late} = {parts}", parts, late)
    return next((text for text in texts if len(text) <= room), late)


def _attempt(run: RunRow) -> str:
    attempt = f"  attempt {run.attempt}" if run.attempt > 1 else ""
    return attempt + ("  by hand" if run.trigger == "manual" else "")


def _covered(run: RunRow) -> str:
    return f"  {plural(run.slots, 'slot')}" if run.slots > 1 else ""
