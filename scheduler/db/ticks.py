"""What a tick reads and writes: due functions, their decided slots, their place on the grid."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

from scheduler.crashpoints import crash_point
from scheduler.db.locks import lock_open_runs, unless_locked
from scheduler.db.messages import NEXT_UNSENT, Sends
from scheduler.db.releases import release_next
from scheduler.db.runs import cancel_queued, request_cancel
from scheduler.db.slot_rows import advance, insert_slots
from scheduler.db.statements import (
    change,
    change_many,
    one_of,
    reading,
    rows,
    transaction,
)
from scheduler.errors import ScheduleError
from scheduler.policy import (
    Decision,
    DueFunction,
    Placement,
    Streak,
    decide_clock_set_back,
)
from scheduler.triggers import Trigger, build_trigger

FIRST_BATCH = 100
BATCH = 500
REPLACED = "replaced by the next run"

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
# Not to a slot that has a row: the clock was set back to before it. The function is a parameter:
# taken from the row, PostgreSQL would look through all slots of the table.
_EXTEND = """
    UPDATE run_logs SET scheduled_for = ?, slots = slots + ?, finished_at = ? WHERE id = ?
        AND NOT EXISTS (SELECT 1 FROM run_logs o WHERE o.function_id = ?
            AND o.scheduled_for = ? AND o.attempt = 1 AND o.trigger = 'schedule')
"""
CLOCK_STEP_SECONDS = 1.0  # what is less was not set, but drifted
_REQUEUE = """
    UPDATE run_logs SET sent_at = CASE WHEN sent_at > ? THEN ? ELSE sent_at END,
        available_at =
            ? + CASE WHEN available_at > queued_at THEN available_at - queued_at ELSE 0 END
    WHERE status = 'queued' AND claimed_by IS NULL AND queued_at > ? AND available_at IS NOT NULL
"""


class Recorded(NamedTuple):
    """What came of decisions: how many `functions` have moved on, and the messages to send."""

    functions: int
    sends: Sends


def fetch_due_functions(now_epoch: float, limit: int = BATCH) -> list[DueFunction]:
    """Return the active functions whose next slot is not after `now_epoch`, the earliest first."""
    with reading():
        return [_due(row) for row in rows(_DUE, [now_epoch, limit])]


@dataclass(frozen=True, slots=True)
class Instants:
    """When a tick has something to do: the earliest next slot, the next unsent run's availability.

    inf: there is none.
    """

    due_at: float = inf
    unsent_at: float = inf


def next_instants() -> Instants:
    """Return when the next tick has something to do."""
    with reading():
        ((due_at, unsent_at),) = rows(
            "SELECT (SELECT next_run_at FROM scheduled_functions WHERE state = 'active' "
            "AND enabled AND next_run_at IS NOT NULL ORDER BY next_run_at LIMIT 1), "
            f"({NEXT_UNSENT})"
        )
    return Instants(
        inf if due_at is None else float(due_at), inf if unsent_at is None else float(unsent_at)
    )


def record_tick(decided: Sequence[tuple[DueFunction, Decision]], now: float) -> Recorded:
    """Write what was decided, in one transaction; the messages are to be sent after it.

    Those of slots that are still to come are to go at the instants of the slots.

    Decisions about functions that are not as they were any more are dropped: another ticker has
    moved them, somebody has paused them, or a run of them began or ended.
    """
    if not decided:
        return Recorded(0, {})
    crash_point("tick.before")
    with transaction():
        lock_open_runs([due.id for due, decision in decided if decision.cancel_open])
        won = _still_undecided([due for due, _ in decided])
        mine = [(due, decision) for due, decision in decided if due.id in won]
        advance(mine)
        _extend_streaks(mine, now)
        replaced_ids = [due.id for due, decision in mine if decision.cancel_open]
        _cancel_replaced(replaced_ids, now)
        sends = insert_slots(mine, now)
        for function_id in replaced_ids:
            sends.setdefault(now, []).extend(release_next(function_id, now))
        crash_point("tick.uncommitted")
    crash_point("tick.committed")
    return Recorded(len(mine), sends)


def return_into_reach(now: float) -> list[str]:
    """Give functions that a clock set back put out of reach their new place; return their names.

    What was queued by the clock of before is available as long after now as it was to wait.
    """
    with transaction():
        change(_REQUEUE, [now, now, now, now + CLOCK_STEP_SECONDS])
        moved = [
            (
                place.anchor_at,
                place.next_run_at,
                min(now, since_at) if place.anchor_at == schedule[1] else now,
                function_id,
                name,
            )
            for function_id, name, *schedule, next_run_at, start, since_at in rows(
                "SELECT id, name, interval_seconds, anchor_at, cron, timezone, next_run_at, start, "
                "schedule_since_at FROM scheduled_functions "
                "WHERE state = 'active' AND enabled AND next_run_at > ? "
                "AND (interval_seconds IS NULL OR next_run_at > ? + 2 * interval_seconds) "
                "ORDER BY id",
                [now, now],
            )
            if (place := _place_in_reach(_trigger(*schedule), next_run_at, start, now))
        ]
        change_many(
            "UPDATE scheduled_functions SET anchor_at = ?, next_run_at = ?, "
            "schedule_since_at = ? WHERE id = ?",
            [values[:-1] for values in moved],
        )
    return [name for *_, name in moved]


def _place_in_reach(
    trigger: Trigger, next_run_at: float, start: float | None, now: float
) -> Placement | None:
    try:
        return decide_clock_set_back(
            trigger, next_run_at=next_run_at, has_start=start is not None, now=now
        )
    except ScheduleError:
        return None  # one that cannot be read any more is told when it is due


def _due(row: tuple[Any, ...]) -> DueFunction:
    (
        function_id,
        name,
        interval_seconds,
        anchor_at,
        cron,
        timezone,
        next_run_at,
        catch_up,
        overlap,
        grace_seconds,
        jitter_seconds,
        newest_id,
        open_runs,
        held_runs,
        running_runs,
        retrying_runs,
        newest_status,
        newest_reason,
        newest_slot,
    ) = row
    streak = None
    if newest_status in {"skipped", "missed"}:
        streak = Streak(
            row_id=newest_id, status=newest_status, reason=newest_reason, scheduled_for=newest_slot
        )
    return DueFunction(
        id=function_id,
        name=name,
        trigger=_trigger(interval_seconds, anchor_at, cron, timezone),
        next_run_at=next_run_at,
        catch_up=catch_up,
        overlap=overlap,
        grace_seconds=grace_seconds,
        jitter_seconds=jitter_seconds,
        open_runs=open_runs,
        held_runs=held_runs,
        running_runs=running_runs,
        retrying_runs=retrying_runs,
        streak=streak,
    )


def _trigger(
    interval_seconds: float | None, anchor_at: float | None, cron: str | None, timezone: str | None
) -> Trigger:
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


def _still_undecided(due: Sequence[DueFunction]) -> set[int]:
    """Return the ids of the functions that are still as they were when decided about.

    Their next slot is the same and, unless they may overlap, as many runs are open. On PostgreSQL
    rows that another ticker holds are skipped; on SQLite it would wait for us. The state is looked
    at here: asked for it, SQLite would look through all active functions.
    """
    is_one, params = one_of("id", [function.id for function in due])
    found = rows(
        "SELECT id, next_run_at, state, enabled FROM scheduled_functions "
        f"WHERE {is_one}{unless_locked()}",
        params,
    )
    next_at = {
        function_id: next_run_at
        for function_id, next_run_at, state, is_enabled in found
        if state == "active" and is_enabled
    }
    open_runs = _count_open([function.id for function in due if function.overlap != "allow"])
    return {
        function.id
        for function in due
        if next_at.get(function.id) == function.next_run_at
        and (function.overlap == "allow" or open_runs.get(function.id, 0) == function.open_runs)
    }


def _count_open(function_ids: Sequence[int]) -> dict[int, int]:
    if not function_ids:
        return {}
    is_one, params = one_of("function_id", function_ids)
    return dict(
        rows(
            f"SELECT function_id, COUNT(*) FROM run_logs WHERE {is_one} "
            "AND status IN ('queued', 'running') GROUP BY function_id",
            params,
        )
    )


def _cancel_replaced(replaced_ids: Iterable[int], now: float) -> None:
    for function_id in replaced_ids:
        cancel_queued("function_id = ?", [function_id], reason=REPLACED, now=now)
        request_cancel("function_id = ?", [function_id], reason=REPLACED, now=now)


def _extend_streaks(decided: Iterable[tuple[DueFunction, Decision]], now: float) -> None:
    extensions = [
        (extend.scheduled_for, extend.added_slots, now, extend.row_id, due.id, extend.scheduled_for)
        for due, decision in decided
        if (extend := decision.extend)
    ]
    if extensions:
        change_many(_EXTEND, extensions)
