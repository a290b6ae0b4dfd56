"""The due functions: what a tick reads of them, and of their runs, to decide their slots."""

from typing import Any, NamedTuple

from scheduler.db.statements import reading, rows
from scheduler.errors import ScheduleError
from scheduler.policy import DueFunction, Streak
from scheduler.statuses import NOT_RUN
from scheduler.triggers import Trigger, build_trigger

FIRST_BATCH = 100
BATCH = 500

_NEWEST = "FROM run_logs n WHERE n.id = f.newest_id"
# Of functions whose runs may overlap nobody asks how many are open, and they can be thousands.
_OPEN = (
    "FROM run_logs o WHERE f.overlap != 'allow' "
    "AND o.function_id = f.id AND o.status IN ('queued', 'running')"
)
# No join, and conditions in CASE: PostgreSQL keeps the plan that it makes for the empty tables of a
# new service, until it next analyzes them, and any plan looks cheap there. This has but one.
_DUE = f"""
    SELECT f.*,
        (SELECT COUNT(*) {_OPEN}),
        (SELECT COUNT(CASE WHEN o.available_at IS NULL THEN 1 END) {_OPEN}),
        (SELECT COUNT(CASE WHEN o.status = 'running' THEN 1 END) {_OPEN}),
        (SELECT COUNT(CASE WHEN o.status = 'queued' AND o.attempt > 1 THEN 1 END) {_OPEN}),
        (SELECT CASE WHEN n.trigger = 'schedule' THEN n.status END {_NEWEST}),
        (SELECT n.reason {_NEWEST}),
        (SELECT n.scheduled_for {_NEWEST})
    FROM (SELECT id, name, interval_seconds, anchor_at, cron, timezone, next_run_at, catch_up,
                overlap, grace_seconds, jitter_seconds,
                (SELECT MAX(n.id) FROM run_logs n WHERE n.function_id = s.id) AS newest_id
            FROM scheduled_functions s WHERE state = 'active' AND enabled AND next_run_at <= ?
            ORDER BY next_run_at LIMIT ?) AS f
    ORDER BY f.next_run_at
"""


class _DueRow(NamedTuple):
    """The columns of `_DUE`, in its order.

    newest_*: of its newest row, which says the rest of it too if it says its status; else NULL.
    """

    id: int
    name: str
    interval_seconds: float | None
    anchor_at: float | None
    cron: str | None
    timezone: str | None
    next_run_at: float
    catch_up: str
    overlap: str
    grace_seconds: float | None
    jitter_seconds: float
    newest_id: int
    open_runs: int
    held_runs: int
    running_runs: int
    retrying_runs: int
    newest_status: str | None
    newest_reason: str
    newest_slot_at: float


def fetch_due_functions(now_epoch: float, limit: int = BATCH) -> list[DueFunction]:
    """Return the active functions whose next slot is not after `now_epoch`, the earliest first."""
    with reading():
        return [_due(_DueRow._make(row)) for row in rows(_DUE, [now_epoch, limit])]


def trigger_of(
    interval_seconds: float | None, anchor_at: float | None, cron: str | None, timezone: str | None
) -> Trigger:
    """Build a trigger from a function's columns; asked anything, a faulty one raises why."""
    try:
        return build_trigger(
            interval_seconds=interval_seconds, anchor_at=anchor_at, cron=cron, timezone=timezone
        )
    except ScheduleError as error:
        return _BrokenTrigger(error)


class _BrokenTrigger:
    """Stands for a schedule that cannot be read any more; asking it anything raises why.

    So the fault comes up where one function is decided, not where all are fetched.
    """

    def __init__(self, error: ScheduleError) -> None:
        self._error = error

    def _raise(self, *_: float) -> Any:
        raise self._error

    next_after = latest_until = count = newest = between = _raise


def _due(found: _DueRow) -> DueFunction:
    return DueFunction(
        id=found.id,
        name=found.name,
        trigger=trigger_of(found.interval_seconds, found.anchor_at, found.cron, found.timezone),
        next_run_at=found.next_run_at,
        catch_up=found.catch_up,
        overlap=found.overlap,
        grace_seconds=found.grace_seconds,
        jitter_seconds=found.jitter_seconds,
        open_runs=found.open_runs,
        held_runs=found.held_runs,
        running_runs=found.running_runs,
        retrying_runs=found.retrying_runs,
        streak=_streak(found),
    )


def _streak(found: _DueRow) -> Streak | None:
    if found.newest_status not in NOT_RUN:
        return None
    return Streak(found.newest_id, found.newest_status, found.newest_reason, found.newest_slot_at)
