"""The order in which lists show runs: what is queued first, then by the time that is shown.

A run stands at its start; one that never started at its slot; a queued one at when it was queued.
Of all functions the parts come out of an index each, in their order, so that a page of a million
runs costs what a page costs. Those of one function are sorted: retention keeps them few, and one
index more would be one more page that every run writes.
"""

from dataclasses import dataclass
from typing import Any

from scheduler.statuses import FAILED

_MOST_QUEUED = 100_000  # a limit inside keeps SQLite from walking over all runs in their order
_STARTED = ("started_at", "started_at IS NOT NULL")
_UNSTARTED = ("scheduled_for", "started_at IS NULL AND finished_at IS NOT NULL")
# In the words of the index on them, which is not used otherwise.
_FAILED = ("started_at", f"status IN {FAILED}")
_OF_ONE = ("COALESCE(started_at, scheduled_for)", "status != 'queued'")
_QUEUED_AT = "COALESCE(queued_at, scheduled_for)"

Query = tuple[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands in the order; the newest has the greatest."""

    is_queued: int
    at: float
    id: int


@dataclass(frozen=True, slots=True)
class Scope:
    """Which runs a list has: of all functions or one, all of them or those that failed."""

    function_id: int | None = None
    is_failed: bool = False
    has_missed: bool = False  # with the failed ones also those that were missed


def select_places(
    scope: Scope, *, limit: int, beyond: Place | None = None, ascending: bool = False
) -> Query:
    """Return SQL and parameters for (is_queued, at, id) of the first runs in the order.

    Newest first, or oldest first when ascending; beyond: only those that come after this place.
    """
    parts = [_decided(scope, column, which, beyond, ascending) for column, which in _which(scope)]
    limited = [(f"{sql} LIMIT ?", [*params, limit]) for sql, params in parts]
    if not scope.is_failed:
        limited.append(_queued(scope, beyond, ascending))
    union = " UNION ALL ".join(
        f"SELECT * FROM ({sql}) AS part{number}" for number, (sql, _) in enumerate(limited)
    )
    order = "ASC" if ascending else "DESC"
    sql = (
        f"SELECT is_queued, at, id FROM ({union}) AS runs"
        f" ORDER BY is_queued {order}, at {order}, id {order} LIMIT ?"
    )
    return sql, [*(param for _, params in limited for param in params), limit]


def select_place(run_id: int) -> Query:
    """Return SQL and parameters for the place of a run, or of the nearest one before it by id."""
    sql = (
        "SELECT CASE WHEN status = 'queued' THEN 1 ELSE 0 END, CASE WHEN status = 'queued' THEN"
        f" {_QUEUED_AT} ELSE COALESCE(started_at, scheduled_for) END, id FROM run_logs"
        " WHERE id <= ? ORDER BY id DESC LIMIT 1"
    )
    return sql, [run_id]


def _which(scope: Scope) -> list[tuple[str, str]]:
    missed = f"{_UNSTARTED[1]} AND status = 'missed'"
    if scope.function_id is not None:
        column, any_status = _OF_ONE
        failed = f"({_FAILED[1]} OR {missed})" if scope.has_missed else _FAILED[1]
        return [(column, failed if scope.is_failed else any_status)]
    if scope.is_failed:
        return [_FAILED, *([(_UNSTARTED[0], missed)] if scope.has_missed else [])]
    return [_STARTED, _UNSTARTED]


def _decided(scope: Scope, column: str, which: str, beyond: Place | None, ascending: bool) -> Query:
    conditions, params = _of_function(scope, which)
    if beyond is not None and not (beyond.is_queued and not ascending):
        conditions += f" AND ({column}, id) {'>' if ascending else '<'} (?, ?)"
        # Nothing that was decided is newer than what is queued.
        params += [1e300, 0] if beyond.is_queued else [beyond.at, beyond.id]
    order = "ASC" if ascending else "DESC"
    sql = (
        f"SELECT 0 AS is_queued, {column} AS at, id FROM run_logs WHERE {conditions}"
        f" ORDER BY {column} {order}, id {order}"
    )
    return sql, params


def _queued(scope: Scope, beyond: Place | None, ascending: bool) -> Query:
    # The sign keeps the planner from looking for the few queued ones among all of a function's.
    conditions, params = _of_function(scope, "status = 'queued'", sign="+")
    inner = f"SELECT id FROM run_logs WHERE {conditions} LIMIT {_MOST_QUEUED}"
    sql = f"SELECT 1 AS is_queued, {_QUEUED_AT} AS at, id FROM run_logs WHERE id IN ({inner})"
    if beyond is None or (ascending and not beyond.is_queued):
        return sql, params
    if not beyond.is_queued:
        return f"{sql} AND 1 = 0", params
    sign = ">" if ascending else "<"
    return f"{sql} AND ({_QUEUED_AT}, id) {sign} (?, ?)", [*params, beyond.at, beyond.id]


def _of_function(scope: Scope, which: str, *, sign: str = "") -> Query:
    if scope.function_id is None:
        return which, []
    return f"{which} AND {sign}function_id = ?", [scope.function_id]
