"""All scheduled runs in one reading, for whoever checks them against the schedules."""

from dataclasses import dataclass, fields

from scheduler.db.statements import reading, rows


@dataclass(frozen=True, slots=True)
class LedgerFunction:
    """A scheduled function: what says which slots it has; instants are UTC epoch seconds."""

    name: str
    interval_seconds: float | None
    anchor_at: float | None
    cron: str | None
    timezone: str | None
    overlap: str
    retries: int
    first_seen_at: float
    pruned_until_at: float | None
    next_run_at: float | None


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One attempt and the slots [covers_from, scheduled_for] it answers for."""

    id: int
    name: str
    root_id: int
    attempt: int
    status: str
    scheduled_for: float
    covers_from: float
    slots: int
    started_at: float | None
    finished_at: float | None


def fetch_ledger() -> tuple[list[LedgerFunction], list[LedgerRow]]:
    """Return all functions and all attempts that a schedule made, by their ids.

    Without the few that retention left standing among those it deleted: their slots have gaps.
    """
    with reading():
        functions = rows(
            f"SELECT {', '.join(f.name for f in fields(LedgerFunction))} "
            "FROM scheduled_functions ORDER BY id"
        )
        attempts = rows(
            "SELECT r.id, f.name, r.root_id, r.attempt, r.status, r.scheduled_for, r.covers_from, "
            "r.slots, r.started_at, r.finished_at FROM run_logs r "
            "JOIN scheduled_functions f ON f.id = r.function_id "
            "WHERE r.trigger = 'schedule' "
            "AND (f.pruned_until_at IS NULL OR r.scheduled_for > f.pruned_until_at) ORDER BY r.id"
        )
    return [LedgerFunction(*row) for row in functions], [LedgerRow(*row) for row in attempts]


def count_unsettled(until: float) -> int:
    """Return how many functions and attempts have slots up to an instant without a verdict."""
    with reading():
        ((count,),) = rows(
            "SELECT (SELECT COUNT(*) FROM run_logs "
            "WHERE status IN ('queued', 'running') AND covers_from <= ?) + "
            "(SELECT COUNT(*) FROM scheduled_functions "
            "WHERE state = 'active' AND enabled AND next_run_at <= ?)",
            [until, until],
        )
    return int(count)
