"""What a tick writes: what was decided about due functions; and when the next one is needed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from scheduler.crashpoints import crash_point
from scheduler.db.locks import lock_open_runs, unless_locked
from scheduler.db.messages import NEXT_UNSENT, Sends
from scheduler.db.releases import release_next
from scheduler.db.runs import cancel_queued, request_cancel
from scheduler.db.slot_rows import advance, insert_slots
from scheduler.db.statements import (
    change_many,
    one_of,
    reading,
    rows,
    transaction,
)
from scheduler.policy import (
    Decision,
    DueFunction,
)

REPLACED = "replaced by the next run"

# Not to a slot that has a row: the clock was set back to before it. The function is a parameter:
# taken from the row, PostgreSQL would look through all slots of the table.
_EXTEND = """
    UPDATE run_logs SET scheduled_for = ?, slots = slots + ?, finished_at = ? WHERE id = ?
        AND NOT EXISTS (SELECT 1 FROM run_logs o WHERE o.function_id = ?
            AND o.scheduled_for = ? AND o.attempt = 1 AND o.trigger = 'schedule')
"""


class Recorded(NamedTuple):
    """What came of decisions: how many `functions` have moved on, and the messages to send."""

    functions: int
    sends: Sends


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
