"""What became of a slot, and why: the reasoning behind `scheduler explain`."""

from dataclasses import dataclass
from math import inf

from scheduler.clock import round_ms
from scheduler.db.report_rows import FunctionReport, RunReport
from scheduler.db.reports import find_covering, find_first_slot, find_open_at
from scheduler.errors import ScheduleError
from scheduler.policy import OVERLAPS, SKIP_GRACE_SECONDS
from scheduler.triggers import JUST_BEFORE, Trigger, build_trigger, first_from
from scheduler.wording import error_line, span

_OLD_GRID = (
    "it had another schedule then, whose slots are not known any more; "
    "if this was one of them, this run answers for it"
)
_RETRIED = {"lost": "it was lost", "timeout": "it took longer than its time-out"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer for one instant; the JSON of `scheduler explain`.

    verdict: the status of the last attempt, or one of future, undecided, paused, disabled, gone,
    no_slot, before_discovery, pruned, unknown. `slot_at` is None where the instant is no slot.
    gone_at, back_at: the absence that a verdict of gone is about; back_at is None while it lasts.
    """

    name: str
    at: float
    slot_at: float | None
    verdict: str
    why: str
    runs: tuple[RunReport, ...]
    blocker: RunReport | None
    previous_slot_at: float | None
    next_slot_at: float | None
    gone_at: float | None = None
    back_at: float | None = None


def explain_instant(
    function: FunctionReport, at: float, *, now: float, has_ticker: bool
) -> Explanation:
    """Say what became of the slot at an instant, or that there is none."""
    at = round_ms(at)
    trigger = _trigger(function)
    runs = tuple(_answers(function, trigger, at))
    is_slot = bool(runs) or _is_slot(function, trigger, at)
    blocker = _blocker(function, runs[0], at) if runs else None
    if runs:
        verdict, why = runs[0].status, _why_of_run(*runs[:2])
        if blocker is not None and blocker.queued_at is not None and blocker.queued_at > at:
            why = _why_skipped_late(blocker)
    else:
        verdict, why = _without_row(function, at, now=now, has_ticker=has_ticker, is_slot=is_slot)
        if verdict == "unknown" and (covering := tuple(find_covering(function.id, at))):
            runs, why = covering, _OLD_GRID
    return Explanation(
        name=function.name,
        at=at,
        slot_at=at if is_slot else None,
        verdict=verdict,
        why=why,
        runs=runs,
        blocker=blocker,
        previous_slot_at=_previous(function, trigger, at),
        next_slot_at=_next(function, trigger, at),
        gone_at=function.gone_at if verdict == "gone" else None,
        back_at=function.back_at if verdict == "gone" else None,
    )


def first_slot_within(function: FunctionReport, at: float, seconds: float) -> float | None:
    """Return the first slot in [at, at + seconds), None when there is none; for inexact times."""
    at = round_ms(at)
    trigger = _trigger(function)
    if _answers(function, trigger, at) or _is_slot(function, trigger, at):
        return at
    on_record = find_first_slot(function.id, at, at + seconds)
    coming = _next(function, trigger, at)
    if coming is not None and not at <= coming < at + seconds:
        coming = None
    return min((slot for slot in (on_record, coming) if slot is not None), default=None)


def slots_around(function: FunctionReport, at: float) -> tuple[float | None, float | None]:
    """Return the slots next to an instant, before and after it."""
    at = round_ms(at)
    trigger = _trigger(function)
    return _previous(function, trigger, at), _next(function, trigger, at)


def _trigger(function: FunctionReport) -> Trigger | None:
    try:
        return build_trigger(
            interval_seconds=function.interval_seconds,
            anchor_at=function.anchor_at,
            cron=function.cron,
            timezone=function.timezone,
        )
    except ScheduleError:
        return None


def _answers(function: FunctionReport, trigger: Trigger | None, at: float) -> list[RunReport]:
    """Return the attempts that answer for a slot at this instant, the last one first.

    A row that covers several slots covers only instants of the grid. An older grid is not known
    any more: there, its own slot and the first it covers are certain.
    """
    runs = find_covering(function.id, at)
    if not runs or at in (runs[0].scheduled_for, runs[0].covers_from):
        return runs
    if at < function.schedule_since_at or trigger is None:
        return []
    return runs if _latest_until(trigger, at) == at else []


def _blocker(function: FunctionReport, run: RunReport, at: float) -> RunReport | None:
    """Return the run for which a slot was skipped: open when it was due, or when it was decided."""
    if run.status != "skipped" or run.reason not in OVERLAPS:
        return None
    blocker = find_open_at(function.id, at)
    if blocker is None and run.finished_at is not None:
        return find_open_at(function.id, run.finished_at)
    return blocker


def _is_slot(function: FunctionReport, trigger: Trigger | None, at: float) -> bool:
    if trigger is None or at < _known_since(function):
        return False
    return _latest_until(trigger, at) == at


def _known_since(function: FunctionReport) -> float:
    """Return from when on today's grid holds; a slot is rounded to milliseconds, this is not."""
    return function.schedule_since_at - JUST_BEFORE


def _previous(function: FunctionReport, trigger: Trigger | None, at: float) -> float | None:
    gone_from, back_from = _absence(function)
    before = _latest_until(trigger, at - JUST_BEFORE) if trigger else None
    if trigger and before is not None and gone_from <= before < back_from:
        before = trigger.latest_until(gone_from - JUST_BEFORE)
    return before if before is not None and before >= _known_since(function) else None


def _latest_until(trigger: Trigger, at: float) -> float | None:
    try:
        return trigger.latest_until(at)
    except (ValueError, OverflowError):
        return None  # before the calendar begins


def _next(function: FunctionReport, trigger: Trigger | None, at: float) -> float | None:
    try:
        following = trigger.next_after(at) if trigger else None
    except (ValueError, OverflowError):
        following = None  # beyond the calendar
    gone_from, back_from = _absence(function)
    if trigger is None or following is None or not gone_from <= following < back_from:
        return following
    return first_from(trigger, back_from) if back_from < inf else None


def _absence(function: FunctionReport) -> tuple[float, float]:
    """Return from when until when a function last was gone and had no slots; infinity if never."""
    if function.state == "gone":
        # The slots of a pause that it interrupts are decided when the function is back.
        undecided_at = function.next_run_at if function.paused_at is None else None
        known = (function.gone_at, undecided_at)
        return min((at for at in known if at is not None), default=-inf), inf
    if function.gone_at is None or function.back_at is None:
        return inf, inf
    return function.gone_at, function.back_at


def _without_row(
    function: FunctionReport, at: float, *, now: float, has_ticker: bool, is_slot: bool
) -> tuple[str, str]:
    if at < function.first_seen_at and not is_slot:
        return "before_discovery", "the function was not known yet"
    if function.pruned_until_at is not None and at <= function.pruned_until_at:
        return "pruned", "its record was deleted by retention"
    gone_from, back_from = _absence(function)
    if gone_from <= at < back_from:
        if back_from == inf:
            return "gone", "the function is gone from the code; it has no slots until it is back"
        return "gone", "the function was gone from the code then and had no slots"
    if at < function.schedule_since_at and not is_slot:
        return "unknown", "it was not in the code then or had another schedule; no run is on record"
    if not is_slot:
        return "no_slot", "its schedule has no slot at this time"
    if function.next_run_at is None or at < function.next_run_at:
        return "unknown", "no record of it: the clock was set, or the function was gone"
    return _not_decided(function, at, now=now, has_ticker=has_ticker)


def _not_decided(
    function: FunctionReport, at: float, *, now: float, has_ticker: bool
) -> tuple[str, str]:
    is_future = at > now
    if not function.enabled:
        return "disabled", "the function is disabled in the code (enabled=False)"
    if function.state == "gone":  # while it was paused
        return "paused", "the function was paused; the slot is skipped when it is back in the code"
    if function.state == "paused":
        what = "will be skipped if it still is" if is_future else "is skipped when it is resumed"
        return "paused", f"the function is paused; the slot {what}"
    if is_future:
        return "future", "the slot is still to come"
    if has_ticker:
        return "undecided", "it is due; the ticker decides it in its next tick"
    if function.overlap == "skip" and (function.running or function.queued):
        return "undecided", (
            "no ticker is alive; a run is open: "
            "should it still be when one starts, the slot is skipped"
        )
    return "undecided", f"no ticker is alive; when one starts, {_how_caught_up(function)}"


def _how_caught_up(function: FunctionReport) -> str:
    grace = function.grace_seconds
    if function.catch_up == "skip":
        late = SKIP_GRACE_SECONDS if grace is None else grace
        return f"it counts as missed if it is more than {span(late)} late"
    answer = {
        "latest": "one run will answer for all slots that were missed",
        "all": "each missed slot will get a run, up to the newest 100",
    }[function.catch_up]
    if grace is None:
        return answer
    return f"{answer}, but those more than {span(grace)} late count as missed"


def _why_skipped_late(blocker: RunReport) -> str:
    by_hand = " by hand" if blocker.trigger == "manual" else ""
    return (
        "it was skipped: no ticker was there to decide it in time, and when one came, "
        f"run {blocker.id} was open, which had been queued{by_hand} meanwhile"
    )


def _why_of_run(run: RunReport, before: RunReport | None = None) -> str:
    """Say what became of an attempt; `before` is the attempt before it."""
    error = error_line(run.error_type, run.error_message)
    plain = {
        "success": "it ran",
        "running": "it is running now",
        "queued": "it is queued",
        "cancelled": "it was cancelled",
        "lost": "its process or its worker died",
        "timeout": "it took longer than its time-out",
        "skipped": "it was skipped",
        "missed": "it was missed",
        "error": "it raised",
    }[run.status]
    if run.status == "queued" and run.available_at is None:
        plain = "it is held until the run before it has ended"
    elif run.status == "queued" and run.attempt > 1:
        ended = _RETRIED.get(before.status if before else "", "it failed")
        plain = f"{ended}; attempt {run.attempt} is queued"
    detail = error if run.status == "error" else run.reason
    return f"{plain}: {detail}" if detail else plain
