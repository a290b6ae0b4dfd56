"""The state of a function and the status of a run: a word, and how it is shown in a column."""

from scheduler.cli.screen import Cell
from scheduler.db.report_rows import FunctionReport
from scheduler.statuses import FAILED_OR_MISSED, LATE_AFTER_SECONDS

STATUS = {
    "success": Cell("✓ ok", "ok"),
    "error": Cell("✗ FAIL", "bad"),
    "timeout": Cell("✗ TIME", "bad"),
    "lost": Cell("✗ LOST", "bad"),
    "missed": Cell("! MISS", "warn"),
    "cancelled": Cell("- cancelled", "dim"),
    "skipped": Cell("- skip", "dim"),
    "running": Cell("▸ run", "busy"),
    "queued": Cell("· wait", "busy"),
}
_STATE = {
    "late": Cell("! LATE", "warn"),
    "new": Cell("+ new", "new"),
    "paused": Cell("- paused", "dim"),
    "disabled": Cell("- disabled", "dim"),
    "gone": Cell("- gone", "dim"),
}
# What needs attention stands first.
WORDS = (
    *("error", "timeout", "lost", "missed", "late", "running", "queued", "new", "success"),
    *("cancelled", "skipped", "paused", "disabled", "gone"),
)


def status_cell(status: str) -> Cell:
    """Say a run's status; one of a newer version is shown as it is written."""
    return STATUS.get(status) or Cell(f"- {status}", "dim")


def function_state(function: FunctionReport, now: float) -> Cell:
    """Say what is most worth knowing of a function, for a column."""
    word = function_word(function, now)
    return _STATE.get(word) or status_cell(word)


def function_word(function: FunctionReport, now: float) -> str:
    """Return what is most worth knowing of a function, nearly in the console's order.

    A failing function stays failing while it runs again: it would jump up and down otherwise.
    """
    if function.state in {"gone", "paused"}:
        return function.state
    if not function.enabled:
        return "disabled"
    if function.last_status in FAILED_OR_MISSED:
        return str(function.last_status)
    if function.running or function.queued:
        return "running" if function.running else "queued"
    if is_late(function, now):
        return "late"
    return function.last_status or "new"


def is_late(function: FunctionReport, now: float) -> bool:
    """Tell whether a slot is due longer than its grace and nobody has taken it up."""
    if function.state != "active" or function.next_run_at is None:
        return False
    if function.running or function.queued or not function.enabled:
        return False
    grace = function.grace_seconds
    return now - function.next_run_at > (LATE_AFTER_SECONDS if grace is None else grace)
