"""Claim and start: the atomic changes that give one worker the right to run an attempt."""

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.crashpoints import crash_point
from scheduler.db.connection import change, placeholders, rows, transaction
from scheduler.db.messages import MESSAGE_COLUMNS, Message, messages
from scheduler.db.releases import release_next


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """An attempt that this worker may start, with what it needs of its function.

    The fields stand in the order of `_CLAIMED_COLUMNS`; instants are UTC epoch seconds.
    """

    id: int
    function_id: int
    root_id: int
    attempt: int
    trigger: str
    scheduled_for: float
    covers_from: float
    slots: int
    name: str
    scan_path: str
    module_path: str
    qualname: str
    timeout_seconds: float | None
    isolated: bool
    grace_seconds: float | None
    retries: int
    retry_delay_seconds: float
    retry_backoff: float
    priority: int


_CLAIMED_COLUMNS = """
    r.id, r.function_id, r.root_id, r.attempt, r.trigger, r.scheduled_for, r.covers_from, r.slots,
    f.name, f.scan_path, f.module_path, f.qualname, f.timeout_seconds, f.isolated,
    f.grace_seconds, f.retries, f.retry_delay_seconds, f.retry_backoff, f.priority
"""
OUTSIDE_GRACE = "no worker was free within its grace"


def claim(
    run_ids: Sequence[int], worker_id: str, now: float
) -> tuple[list[ClaimedRun], list[Message]]:
    """Claim what is still queued, available and unclaimed of `run_ids`, in their order.

    A first attempt that is older than its grace becomes `missed` instead. Returns the claimed runs
    and the messages of runs that a missed one had held.
    """
    crash_point("claim.before")
    with transaction():
        claimed_ids = rows(
            "UPDATE run_logs SET claimed_by = ?, claimed_at = ? "
            f"WHERE id IN ({placeholders(len(run_ids))}) AND status = 'queued' "
            "AND claimed_by IS NULL AND available_at <= ? RETURNING id",
            [worker_id, now, *run_ids, now],
        )
        if not claimed_ids:
            return [], []
        claimed = fetch_claimed([run_id for (run_id,) in claimed_ids])
        late = [run for run in claimed if _is_outside_grace(run, now)]
        released = [message for run in late for message in _miss(run, worker_id, now)]
    crash_point("claim.committed")
    by_id = {run.id: run for run in claimed if run not in late}
    return [by_id[run_id] for run_id in run_ids if run_id in by_id], released


def start(run: ClaimedRun, worker_id: str, now: float) -> bool:
    """Turn a claimed attempt into a running one; False if it is no longer this worker's."""
    with transaction():
        started = change(
            "UPDATE run_logs SET status = 'running', started_at = ? "
            "WHERE id = ? AND status = 'queued' AND claimed_by = ?",
            [now, run.id, worker_id],
        )
        if started:
            change(
                "UPDATE scheduled_functions SET last_started_at = ? WHERE id = ?",
                [now, run.function_id],
            )
    return started == 1


def hand_back(run_ids: Sequence[int], worker_id: str) -> list[Message]:
    """Give back claims that were not started; returns the messages to send for them again."""
    if not run_ids:
        return []
    with transaction():
        return messages(
            "UPDATE run_logs SET claimed_by = NULL, claimed_at = NULL "
            f"WHERE id IN ({placeholders(len(run_ids))}) AND status = 'queued' AND claimed_by = ? "
            f"RETURNING {MESSAGE_COLUMNS}",
            [*run_ids, worker_id],
        )


def fetch_claimed(run_ids: Sequence[int]) -> list[ClaimedRun]:
    """Return attempts with what a worker needs of their functions."""
    found = rows(
        f"SELECT {_CLAIMED_COLUMNS} FROM run_logs r "
        "JOIN scheduled_functions f ON f.id = r.function_id "
        f"WHERE r.id IN ({placeholders(len(run_ids))})",
        run_ids,
    )
    return [ClaimedRun(*row) for row in found]


def _is_outside_grace(run: ClaimedRun, now: float) -> bool:
    return (
        run.grace_seconds is not None
        and run.trigger == "schedule"
        and run.attempt == 1
        and now > run.scheduled_for + run.grace_seconds
    )


def _miss(run: ClaimedRun, worker_id: str, now: float) -> list[Message]:
    change(
        "UPDATE run_logs SET status = 'missed', reason = ?, finished_at = ? "
        "WHERE id = ? AND status = 'queued' AND claimed_by = ?",
        [OUTSIDE_GRACE, now, run.id, worker_id],
    )
    return release_next(run.function_id, now)
