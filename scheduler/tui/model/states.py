"""What state a function or a run is in, and its sign, word, colour and rank."""

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.db.console_rows import FunctionRow, Queued, RunRow
from scheduler.statuses import FAILED, LATE_AFTER_SECONDS
from scheduler.tui.glyphs import Glyphs
from scheduler.tui.look import Look
from scheduler.tui.text import Run, fit


@dataclass(frozen=True, slots=True)
class State:
    """One state. `glyph` names the sign; `rank`: the lower, the more it needs attention."""

    word: str
    glyph: str
    role: str
    rank: int
    meaning: str

    def runs(self, glyphs: Glyphs) -> list[Run]:
        """Return sign and word, six columns wide."""
        return [(self.role, f"{getattr(glyphs, self.glyph)} {fit(self.word, 4)}")]


FAIL = State("FAIL", "fail", "fail", 0, "the last run failed")
TIME = State("TIME", "fail", "fail", 0, "the last run timed out")
LOST = State("LOST", "fail", "fail", 0, "its process died with it")
LATE = State("LATE", "warn", "warn", 1, "due, but not started")
MISS = State("MISS", "warn", "warn", 1, "could not start in time")
RUNNING = State("run", "run", "run", 2, "running now")
WAIT = State("wait", "wait", "run", 3, "queued, waits for a worker")
NEW = State("new", "new", "new", 4, "never ran")
OK = State("ok", "ok", "ok", 5, "the last run succeeded")
STOP = State("stop", "off", "off", 5, "the last run was cancelled")
SKIP = State("skip", "off", "off", 5, "not run, with the reason")
OFF = State("off", "off", "off", 6, "paused or disabled")
GONE = State("gone", "off", "off", 7, "no longer in the code")

LEGEND = (OK, FAIL, TIME, LOST, LATE, MISS, RUNNING, WAIT, NEW, SKIP, STOP, OFF, GONE)

OF_STATUS = {
    "success": OK,
    "error": FAIL,
    "timeout": TIME,
    "lost": LOST,
    "cancelled": STOP,
    "skipped": SKIP,
    "missed": MISS,
    "running": RUNNING,
    "queued": WAIT,
}


def status_state(status: str) -> State:
    """Return the state of a run by its status; one of a newer version shows as it is."""
    return OF_STATUS.get(status) or State(status[:4], "off", "off", 5, status)


def function_state(
    function: FunctionRow, running: Sequence[RunRow], queued: Queued | None, *, is_late: bool
) -> State:
    """Return the one state of a function that matters most.

    A failing function stays failing while it runs again: it would jump up and down otherwise.
    """
    if function.state == "gone":
        return GONE
    if function.state == "paused" or not function.enabled:
        return OFF
    if function.last_status in FAILED:
        return OF_STATUS[function.last_status]
    if running:
        return RUNNING
    if queued:
        return WAIT
    if is_late:
        return LATE
    if function.last_status is None:
        return NEW
    return status_state(function.last_status)


def late_at(function: FunctionRow) -> float:
    """Return the instant from which the function counts as late unless it has started by then."""
    if function.next_run_at is None or function.state != "active":
        return float("inf")
    grace = function.grace_seconds
    return function.next_run_at + (LATE_AFTER_SECONDS if grace is None else grace)


def late_seconds(function: FunctionRow, look: Look) -> float:
    """Return how long the function has been due when that is more than its grace, else 0."""
    if function.next_run_at is None or look.as_of <= late_at(function):
        return 0.0
    return look.as_of - function.next_run_at
