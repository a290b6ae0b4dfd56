"""What becomes of due slots: the pure decisions of a tick, without a clock or a database."""

from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from scheduler.triggers import JUST_BEFORE, Trigger, first_from

# Why a slot was not run, as people read it in a row's `reason`.
STILL_RUNNING = "the run before was still going"
NOT_STARTED = "the run before had not started yet"
TO_TRY_AGAIN = "the run before had failed and was to be tried again"
ONE_WAITS = "another run was already waiting"
PAUSED = "the function was paused"
DISABLED = "the function was disabled"
OFF_FIRST = "the function was disabled before a ticker had decided this slot"
GONE_FIRST = "the function was gone from the code before a ticker had decided this slot"
CHANGED_FIRST = "the function got another schedule before a ticker had decided this slot"
OUTSIDE_GRACE = "it was later than its grace allows"
SCHEDULER_DOWN = "the scheduler was not running when it was due"
TOO_MANY = "only the newest 100 missed slots are made up for"
# Those that name another run of the function as the cause.
OVERLAPS = frozenset({STILL_RUNNING, NOT_STARTED, TO_TRY_AGAIN, ONE_WAITS})

CATCH_UP_LIMIT = 100
# `catch_up="skip"` without a grace: what is later than this was missed, not merely ticked late.
SKIP_GRACE_SECONDS = 60.0
RETRY_DELAY_LIMIT_SECONDS = 3600.0
AHEAD_SECONDS = 0.05  # how long before it comes a slot may be decided, if it is settled


class Streak(NamedTuple):
    """The newest schedule row of a function, when it is `skipped` or `missed`."""

    row_id: int
    status: str
    reason: str
    scheduled_for: float


class DueFunction(NamedTuple):
    """What a tick knows of a function that is due; instants are UTC epoch seconds.

    open_runs: its attempts queued, held, running or waiting for a retry; of these held_runs wait
    for another to end, running_runs have started, and retrying_runs follow one that failed. They
    may all be 0 where runs may overlap.
    """

    id: int
    name: str
    trigger: Trigger
    next_run_at: float
    catch_up: str = "latest"
    overlap: str = "skip"
    grace_seconds: float | None = None
    jitter_seconds: float = 0.0
    open_runs: int = 0
    held_runs: int = 0
    running_runs: int = 0
    retrying_runs: int = 0
    streak: Streak | None = None


class NewRow(NamedTuple):
    """A row that answers for `slots` slots in [covers_from, scheduled_for].

    status: queued, skipped or missed. available_at: when it may be claimed; None = held until the
    run before it has ended (and for rows that never run).
    """

    status: str
    scheduled_for: float
    covers_from: float
    slots: int
    available_at: float | None = None
    reason: str | None = None


class Extension(NamedTuple):
    """More slots for an existing row: it now reaches to `scheduled_for`."""

    row_id: int
    scheduled_for: float
    added_slots: int


class Decision(NamedTuple):
    """What to write for one function; `extend` comes before all `rows`.

    cancel_open: cancel its open runs (`overlap="replace"`); the new run is held until they ended.
    """

    next_run_at: float | None
    rows: tuple[NewRow, ...] = ()
    extend: Extension | None = None
    cancel_open: bool = False


class _Span(NamedTuple):
    """Neighbouring slots of a grid, from `first` to `last`."""

    first: float
    last: float
    slots: int


def decide(due: DueFunction, now: float) -> Decision:
    """Answer every slot of the function in [next_run_at, now] by exactly one row.

    The work is bounded: at most 100 runs and two rows that were not run, whatever the downtime.
    """
    if due.next_run_at > now:
        return Decision(next_run_at=due.next_run_at)
    whole, following = _due_slots(due.trigger, due.next_run_at, now)
    if whole is None:  # the grid has moved under it, such as by new rules of a time zone
        return Decision(next_run_at=following)
    missed, runs = _catch_up(due, whole, now)
    rows = (*missed, *_overlap(due, runs))
    extend = _extension(due.streak, rows)
    return Decision(
        next_run_at=following,
        rows=rows[1:] if extend else rows,
        extend=extend,
        cancel_open=bool(runs) and due.overlap == "replace" and due.open_runs > 0,
    )


def is_settled(due: DueFunction) -> bool:
    """Tell whether its next slot can be decided before it comes, whatever run ends until then."""
    return due.open_runs == 0 or due.overlap == "allow"


def decide_resume(
    trigger: Trigger, *, next_run_at: float | None, now: float, reason: str = PAUSED
) -> Decision:
    """Answer the slots of a pause by one skipped row; the grid goes on after now.

    reason: PAUSED, or DISABLED for a function that was switched off in its code.
    """
    return _answer_unrun(trigger, next_run_at, now=now, status="skipped", reason=reason)


def decide_off(trigger: Trigger, *, next_run_at: float, now: float, reason: str) -> Decision:
    """Answer the due slots of a function that goes off its schedule by one row.

    reason: OFF_FIRST, GONE_FIRST or CHANGED_FIRST: missed; PAUSED or DISABLED: skipped.
    """
    status = "skipped" if reason in (PAUSED, DISABLED) else "missed"
    return _answer_unrun(trigger, next_run_at, now=now, status=status, reason=reason)


def jitter_of(name: str, slot: float, jitter_seconds: float) -> float:
    """Return how many seconds this slot is put off: the same in every process, below the jitter."""
    if jitter_seconds <= 0:
        return 0.0
    digest = blake2b(f"{name}@{slot:.3f}".encode(), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48 * jitter_seconds


def retry_delay(attempt: int, *, delay_seconds: float, backoff: float) -> float:
    """Return the seconds between the failure of `attempt` (from 1) and the next; at most 1 h."""
    try:
        return min(delay_seconds * backoff ** (attempt - 1), RETRY_DELAY_LIMIT_SECONDS)
    except OverflowError:
        return RETRY_DELAY_LIMIT_SECONDS if delay_seconds else 0.0


@lru_cache(maxsize=256)
def _due_slots(trigger: Trigger, first: float, now: float) -> tuple[_Span | None, float | None]:
    """Return the slots in [first, now] and the one after them: those of a burst have them alike."""
    return _span(trigger, first, now), trigger.next_after(now)


def _catch_up(due: DueFunction, whole: _Span, now: float) -> tuple[list[NewRow], list[_Span]]:
    """Part the due slots into rows of missed ones and the runs to be made, oldest first."""
    if due.catch_up == "latest":
        is_fresh = due.grace_seconds is None or now - whole.last <= due.grace_seconds
        return ([], [whole]) if is_fresh else ([_not_run("missed", whole, OUTSIDE_GRACE)], [])
    grace, reason = _grace(due)
    fresh = whole if grace is None else _span(due.trigger, max(whole.first, now - grace), now)
    runs = [] if fresh is None else [fresh]
    if due.catch_up == "all" and fresh is not None:
        newest = due.trigger.newest(CATCH_UP_LIMIT, fresh.first, fresh.last)
        runs = [_Span(slot, slot, 1) for slot in newest]
        reason = TOO_MANY if len(runs) < fresh.slots else reason
    return _missed_before(due.trigger, whole, runs, reason), runs


def _grace(due: DueFunction) -> tuple[float | None, str]:
    if due.catch_up == "skip" and due.grace_seconds is None:
        return SKIP_GRACE_SECONDS, SCHEDULER_DOWN
    return due.grace_seconds, OUTSIDE_GRACE


def _missed_before(trigger: Trigger, whole: _Span, runs: list[_Span], reason: str) -> list[NewRow]:
    missed = whole if not runs else _span(trigger, whole.first, runs[0].first - JUST_BEFORE)
    return [] if missed is None else [_not_run("missed", missed, reason)]


def _overlap(due: DueFunction, runs: list[_Span]) -> list[NewRow]:
    """Say how the runs get along with those that are still open, and with one another."""
    if not runs:
        return []
    if due.overlap == "allow":
        return [_run(due, span, is_held=False) for span in runs]
    if due.open_runs == 0:
        return [_run(due, span, is_held=index > 0) for index, span in enumerate(runs)]
    if due.overlap == "skip":
        return [_not_run("skipped", _joined(runs), _why_skipped(due))]
    if due.overlap == "queue" and due.held_runs > 0:
        return [_not_run("skipped", _joined(runs), ONE_WAITS)]
    return [_run(due, span, is_held=True) for span in runs]


def _why_skipped(due: DueFunction) -> str:
    if due.running_runs > 0:
        return STILL_RUNNING
    return TO_TRY_AGAIN if due.retrying_runs > 0 else NOT_STARTED


def _extension(streak: Streak | None, rows: tuple[NewRow, ...]) -> Extension | None:
    """Let the newest row go on instead of a second one of the same verdict and reason."""
    if streak is None or not rows or streak.scheduled_for >= rows[0].covers_from:
        return None
    if (streak.status, streak.reason) != (rows[0].status, rows[0].reason):
        return None
    return Extension(streak.row_id, rows[0].scheduled_for, rows[0].slots)


def _span(trigger: Trigger, first: float, until: float) -> _Span | None:
    """Return the slots in [first, until], None when there are none."""
    last = trigger.latest_until(until)
    start = first if first == last else first_from(trigger, first)
    if start is None or last is None or last < start:
        return None
    return _Span(start, last, 1 if start == last else trigger.count(start, last))


def _answer_unrun(
    trigger: Trigger, next_run_at: float | None, *, now: float, status: str, reason: str
) -> Decision:
    """Answer the slots in [next_run_at, now] by one row; the grid goes on after now."""
    whole = None if next_run_at is None else _span(trigger, next_run_at, now)
    rows = () if whole is None else (_not_run(status, whole, reason),)
    return Decision(next_run_at=trigger.next_after(now), rows=rows)


def _joined(spans: list[_Span]) -> _Span:
    return _Span(spans[0].first, spans[-1].last, sum(span.slots for span in spans))


def _run(due: DueFunction, span: _Span, *, is_held: bool) -> NewRow:
    put_off = jitter_of(due.name, span.last, due.jitter_seconds)
    return NewRow(
        status="queued",
        scheduled_for=span.last,
        covers_from=span.first,
        slots=span.slots,
        available_at=None if is_held else span.last + put_off,
    )


def _not_run(status: str, span: _Span, reason: str) -> NewRow:
    return NewRow(
        status=status,
        scheduled_for=span.last,
        covers_from=span.first,
        slots=span.slots,
        reason=reason,
    )
