"""The table of functions: its heading, and what stands in each column."""

from collections.abc import Callable, Mapping, Sequence
from math import sqrt

from scheduler.db.console_rows import FunctionDetails, FunctionRow, Mark
from scheduler.statuses import FAILED
from scheduler.tui.look import SOON_SECONDS, Look
from scheduler.tui.model.board import Entry, Sort
from scheduler.tui.model.columns import Column
from scheduler.tui.model.states import RUNNING, late_seconds
from scheduler.tui.text import Line, Run, clean, fit
from scheduler.wording import duration, every, span


def heading(table: Sequence[Column], sort: Sort, look: Look, *, is_reversed: bool) -> Line:
    """Return the titles, with an arrow at the column that orders the rows."""
    line: Line = []
    for column in table:
        arrow = look.glyphs.up if is_reversed else look.glyphs.down
        title = column.title
        if column.name == sort.column:
            title = f"{arrow} {title}" if column.is_right else f"{title} {arrow}"
        line += [("heading", _cell(title, column, look)), (None, " ")]
    return line[:-1]


def cell(entry: Entry, marks: Sequence[Mark] | None, column: Column, look: Look) -> Line:
    """Return what stands in one column of a function's row, as wide as the column.

    marks None: its history is not here yet.
    """
    if column.name == "STATE":
        return [*entry.state.runs(look.glyphs), (None, " ")]
    if column.name == "HISTORY":
        return history(marks or (), column.width, look)
    role, text = _CELLS[column.name](entry, marks, look)
    return [(role, _cell(text, column, look))]


def joined(cells: Sequence[Line]) -> Line:
    """Put cells side by side; few long runs, so that whoever measures and draws them is quicker."""
    line: Line = []
    for each in cells:
        line += each
        role, text = line[-1]
        line[-1] = (role, f"{text} ")
    role, text = line[-1]
    return [*line[:-1], (role, text[:-1])]


def schedule_words(function: FunctionRow) -> str:
    """Say a function's rule in as few letters as possible."""
    if function.cron is not None:
        return clean(function.cron)
    if function.interval_seconds is None:
        return ""
    return every(function.interval_seconds)


def described(details: FunctionDetails | None) -> str:
    """Return the first line of a function's documentation, two blanks before it."""
    return f"  {clean(details.description)}" if details and details.description else ""


def next_run(entry: Entry, look: Look) -> Run:
    """Say when a function runs next, or since when it runs or should."""
    function = entry.function
    if entry.running:
        started = min(run.started_at or look.now for run in entry.running)
        return "run", f"for {look.since(started)}"
    if entry.queued:
        return _queued(entry, look)
    if entry.state.word in {"off", "gone"}:
        words = {"paused": "paused", "gone": "gone"}
        return "off", words.get(function.state, "disabled")
    late = late_seconds(function, look)
    if late:
        return "warn", f"{span(late)} late"
    if function.next_run_at is None:
        return "dim", "-"
    is_soon = function.next_run_at - look.now < SOON_SECONDS
    return "soon" if is_soon else None, look.future(function.next_run_at)


def last_run(entry: Entry, look: Look) -> str:
    """Say when a function ran last, or that it never did."""
    at = entry.function.last_started_at
    at = max([at or 0.0, *(run.started_at or 0.0 for run in entry.running)]) or None
    return "never" if at is None else look.past(at)


def history(marks: Sequence[Mark], width: int, look: Look) -> list[Run]:
    """Draw the last runs, the newest at the right: bars by what they took, signs for the rest."""
    shown = marks[-width:]
    took = [_took(mark) for mark in shown if mark.status == "success"]
    longest = max(took, default=0.0)
    runs: list[Run] = []
    for mark in shown:
        role, sign = _sign(mark, longest, look)
        if runs and runs[-1][0] == role:
            runs[-1] = (role, runs[-1][1] + sign)
        else:
            runs.append((role, sign))
    return [*runs, (None, " " * (width - len(shown)))]


def last_error(marks: Sequence[Mark] | None) -> str:
    """Return the newest run's error, "" when it had none."""
    return clean(marks[-1].error) if marks and marks[-1].status in FAILED else ""


def _took_last(entry: Entry) -> str:
    took = entry.function.last_duration_seconds
    is_running = bool(entry.running) or entry.state is RUNNING
    return "" if took is None or is_running else duration(took)


_CELLS: Mapping[str, Callable[[Entry, Sequence[Mark] | None, Look], Run]] = {
    "FUNCTION": lambda entry, marks, look: ("name", clean(entry.function.name)),
    "FILE": lambda entry, marks, look: ("dim", clean(entry.function.module_path)),
    "EVERY": lambda entry, marks, look: (None, schedule_words(entry.function)),
    "NEXT RUN": lambda entry, marks, look: next_run(entry, look),
    "LAST RUN": lambda entry, marks, look: (None, last_run(entry, look)),
    "TOOK": lambda entry, marks, look: (None, _took_last(entry)),
    "LAST ERROR": lambda entry, marks, look: ("error", last_error(marks)),
}


def _queued(entry: Entry, look: Look) -> Run:
    queued = entry.queued
    if queued is None or queued.oldest_ready_at is None:
        return "run", "held"
    if queued.oldest_ready_at > look.now:
        what = "retry" if queued.attempt > 1 else "starts"
        return "run", f"{what} {look.future(queued.oldest_ready_at)}"
    return "run", f"waits {look.since(queued.oldest_ready_at)}"


def _took(mark: Mark) -> float:
    if mark.started_at is None or mark.finished_at is None:
        return 0.0
    return max(mark.finished_at - mark.started_at, 0.0)


def _sign(mark: Mark, longest: float, look: Look) -> Run:
    glyphs = look.glyphs
    if mark.status == "success":
        steps = len(glyphs.history)
        # By the root: one slow run among many quick ones must not flatten them all.
        share = sqrt(_took(mark) / longest) if longest else 0.0
        return "history", glyphs.history[min(int(share * steps), steps - 1)]
    if mark.status in FAILED:
        return "fail", glyphs.fail
    return ("warn", glyphs.warn) if mark.status == "missed" else ("dim", glyphs.off)


def _cell(text: str, column: Column, look: Look) -> str:
    align = ">" if column.is_right else "<"
    return fit(text, column.width, align=align, ellipsis=look.glyphs.ellipsis)
