"""The rows of decided slots and the functions' next slots: one statement for a whole batch."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from scheduler.db.messages import MESSAGE_COLUMNS, Sends
from scheduler.db.statements import change, change_many, is_sqlite, placeholders, rows
from scheduler.policy import Decision, DueFunction, NewRow

Decided: TypeAlias = Sequence[tuple[DueFunction, Decision]]

ROWS_AT_ONCE = 500
_GIVEN = {
    "function_id": "bigint",
    "status": "text",
    "scheduled_for": "float8",
    "covers_from": "float8",
    "slots": "bigint",
    "queued_at": "float8",
    "available_at": "float8",
    "sent_at": "float8",
    "sends": "int",
    "finished_at": "float8",
    "reason": "text",
}
_COLUMNS = f"attempt, trigger, output_bytes, {', '.join(_GIVEN)}"
# A slot that has a row is decided already.
UNLESS_DECIDED = (
    "ON CONFLICT (function_id, scheduled_for, attempt) WHERE trigger = 'schedule' DO NOTHING"
)
_RETURNING = f"RETURNING {MESSAGE_COLUMNS}, sent_at"
# On both the id is drawn first: to write the root afterwards would change each row a second time.
_ROW = f"(?, ?, 1, 'schedule', 0, {', '.join('?' * len(_GIVEN))})"
# An array for each column: a thousand parameters would cost more than what they carry.
_ROWS_OF_ARRAYS = f"""
    INSERT INTO run_logs (id, root_id, {_COLUMNS})
    SELECT id, id, 1, 'schedule', 0, {", ".join(_GIVEN)} FROM (
        SELECT nextval(pg_get_serial_sequence('run_logs', 'id')) AS id, given.*
        FROM unnest({", ".join(f"?::{kind}[]" for kind in _GIVEN.values())})
        AS given ({", ".join(_GIVEN)})
    ) AS numbered {UNLESS_DECIDED} {_RETURNING}
"""
_ADVANCE = "UPDATE scheduled_functions SET next_run_at = ? WHERE next_run_at = ? AND id IN"
_ADVANCE_ARRAYS = """
    UPDATE scheduled_functions f SET next_run_at = moved.next_at
    FROM unnest(?::float8[], ?::bigint[], ?::float8[]) AS moved (next_at, id, decided_at)
    WHERE f.id = moved.id AND f.next_run_at = moved.decided_at
"""


def advance(decided: Decided) -> None:
    """Move the functions to their next slots, unless somebody else has moved them."""
    if is_sqlite():
        _advance_by_moves(decided)
    elif decided:
        moves = [(decision.next_run_at, due.id, due.next_run_at) for due, decision in decided]
        change(_ADVANCE_ARRAYS, _columns(moves))


def _advance_by_moves(decided: Decided) -> None:
    """Move those of one slot to their common next one by one statement.

    A crowd needs few. Where each has its own, it costs a third more than `executemany` would.
    """
    moved: dict[tuple[float | None, float], list[int]] = {}
    for due, decision in decided:
        moved.setdefault((decision.next_run_at, due.next_run_at), []).append(due.id)
    for move, ids in moved.items():
        change(f"{_ADVANCE} ({placeholders(len(ids))})", [*move, *ids])


def insert_slots(decided: Decided, now: float) -> Sends:
    """Insert the rows that were decided, but for slots that have one; return what is to be sent.

    A slot that was decided before it comes is queued and sent at its own instant, not now.
    """
    new = [_values(due, row, now) for due, decision in decided for row in decision.rows]
    inserted: list[tuple[Any, ...]] = []
    for chunk in (new[at : at + ROWS_AT_ONCE] for at in range(0, len(new), ROWS_AT_ONCE)):
        inserted += _insert_on_sqlite(chunk) if is_sqlite() else _insert_arrays(chunk)
    sends: Sends = {}
    for run_id, priority, sent_at in inserted:
        if sent_at is not None:
            sends.setdefault(sent_at, []).append((run_id, priority))
    return sends


def write_decided_rows(function_id: int, decision: Decision, now: float) -> None:
    """Insert the rows of slots that were not run, unless they have one; in a transaction."""
    change_many(
        "INSERT INTO run_logs (function_id, attempt, status, trigger, scheduled_for, covers_from, "
        "slots, finished_at, reason, sends, output_bytes) "
        f"VALUES (?, 1, ?, 'schedule', ?, ?, ?, ?, ?, 0, 0) {UNLESS_DECIDED}",
        [
            (
                function_id,
                row.status,
                row.scheduled_for,
                row.covers_from,
                row.slots,
                now,
                row.reason,
            )
            for row in decision.rows
        ],
    )
    settle_roots()


def settle_roots() -> None:
    """Make rows inserted without a root their own, before their transaction ends."""
    change("UPDATE run_logs SET root_id = id WHERE root_id IS NULL")


def _insert_on_sqlite(chunk: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    ((newest_id,),) = rows("SELECT COALESCE(MAX(id), 0) FROM run_logs")
    numbered = enumerate(chunk, newest_id + 1)
    return rows(
        f"INSERT INTO run_logs (id, root_id, {_COLUMNS}) "
        f"VALUES {', '.join([_ROW] * len(chunk))} {UNLESS_DECIDED} {_RETURNING}",
        [value for run_id, row in numbered for value in (run_id, run_id, *row)],
    )


def _insert_arrays(chunk: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return rows(_ROWS_OF_ARRAYS, _columns(chunk))


def _columns(chunk: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*chunk, strict=True)]


def _values(due: DueFunction, row: NewRow, now: float) -> tuple[Any, ...]:
    """Return the values of `_GIVEN` for one row."""
    at = max(now, due.next_run_at)
    is_queued = row.status == "queued"
    is_sent = is_queued and row.available_at is not None and row.available_at <= at
    return (
        due.id,
        row.status,
        row.scheduled_for,
        row.covers_from,
        row.slots,
        at if is_queued else None,
        row.available_at,
        at if is_sent else None,
        int(is_sent),
        None if is_queued else at,
        row.reason,
    )
