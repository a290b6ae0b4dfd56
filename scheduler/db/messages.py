"""Which runs are to be sent to the queue: the rows are the truth, a message only a hint."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from scheduler.db.locks import unless_locked
from scheduler.db.statements import reading, rows, transaction

Message: TypeAlias = tuple[int, int]
"""What goes to the queue after a commit: (run id, priority)."""
Sends: TypeAlias = dict[float, list[Message]]
"""Messages by the instant at which they are to go, UTC epoch seconds."""

MESSAGE_COLUMNS = (
    "id, (SELECT priority FROM scheduled_functions f WHERE f.id = run_logs.function_id)"
)
RESEND_AFTER_SECONDS = 5.0
RESEND_AHEAD_SECONDS = 0.25  # what was decided before its slot
RESEND_AT_MOST_SECONDS = 60.0
BATCH = 1000
NEXT_UNSENT = (
    "SELECT available_at FROM run_logs WHERE status = 'queued' AND sent_at IS NULL "
    "AND available_at IS NOT NULL ORDER BY available_at LIMIT 1"
)
_WAITING = "status = 'queued' AND claimed_by IS NULL AND available_at <= ?"


def messages(sql: str, params: Sequence[Any]) -> list[Message]:
    """Execute SQL that returns MESSAGE_COLUMNS."""
    return [(int(run_id), int(priority)) for run_id, priority in rows(sql, params)]


def take_unsent(now: float) -> list[Message]:
    """Mark what has become available and was never sent (retries, jitter) as sent; return it."""
    unsent_at = next_unsent_at()
    return [] if unsent_at is None or unsent_at > now else _mark_sent("sent_at IS NULL", [], now)


def take_overdue(now: float) -> list[Message]:
    """Mark what was sent long ago and is still unclaimed as sent again; return it.

    The first time after 5 s, then after twice as long each time, up to 60 s. Soon where the sender
    may have died while it waited for the slot, to send it then.
    """
    patience = (
        f"CASE WHEN sent_at = scheduled_for THEN {RESEND_AHEAD_SECONDS} "
        f"WHEN sends < 5 THEN {RESEND_AFTER_SECONDS} * (1 << (CASE WHEN sends < 1 THEN 0 "
        f"ELSE sends - 1 END)) ELSE {RESEND_AT_MOST_SECONDS} END"
    )
    return _mark_sent(f"sent_at < ? - {patience}", [now], now)


def count_waiting(now: float) -> int:
    """Return how many runs are queued, available and unclaimed: what the queue should hold."""
    with reading():
        ((count,),) = rows(
            f"SELECT COUNT(*) FROM run_logs WHERE {_WAITING}",
            [now],
        )
    return int(count)


def next_unsent_at() -> float | None:
    """Return when the next run that was never sent (retry, jitter) is available, if any is."""
    with reading():
        ((unsent_at,),) = rows(f"SELECT ({NEXT_UNSENT})")
    return None if unsent_at is None else float(unsent_at)


def look_for_sweep(now: float) -> tuple[bool, bool]:
    """Return whether any run is held, and whether any waits that the queue should hold."""
    with reading():
        ((has_held, has_waiting),) = rows(
            "SELECT EXISTS (SELECT 1 FROM run_logs WHERE status IN ('queued', 'running') "
            f"AND available_at IS NULL), EXISTS (SELECT 1 FROM run_logs WHERE {_WAITING})",
            [now],
        )
    return bool(has_held), bool(has_waiting)


def _mark_sent(condition: str, params: Sequence[Any], now: float) -> list[Message]:
    with transaction():
        return messages(
            "UPDATE run_logs SET sent_at = ?, sends = sends + 1 WHERE id IN ("
            "SELECT id FROM run_logs WHERE status = 'queued' AND available_at <= ? "
            f"AND claimed_by IS NULL AND {condition} ORDER BY available_at LIMIT {BATCH}"
            f"{unless_locked()}) "  # a worker claims it: then it has no need to be sent
            f"RETURNING {MESSAGE_COLUMNS}",
            [now, now, *params],
        )
