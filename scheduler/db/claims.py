"""Claim and start: the atomic change that gives one worker the right to run an attempt."""

from dataclasses import dataclass

from scheduler.crashpoints import crash_point
from scheduler.db.messages import Message
from scheduler.db.releases import release_next
from scheduler.db.statements import change, rows, transaction


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """An attempt that this worker runs, with what it needs of its function.

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
    retries: int
    retry_delay_seconds: float
    retry_backoff: float


OUTSIDE_GRACE = "no worker was free within its grace"

_CLAIMED_COLUMNS = """
    r.id, r.function_id, r.root_id, r.attempt, r.trigger, r.scheduled_for, r.covers_from, r.slots,
    f.name, f.scan_path, f.module_path, f.qualname, f.timeout_seconds, f.isolated,
    f.retries, f.retry_delay_seconds, f.retry_backoff
"""
# The first attempt of a slot that is older than its function's grace.
_IS_TOO_LATE = """
    (trigger = 'schedule' AND attempt = 1 AND scheduled_for +
        (SELECT grace_seconds FROM scheduled_functions f WHERE f.id = function_id) < ?)
"""
_IS_CLAIMABLE = "id = ? AND status = 'queued' AND claimed_by IS NULL AND available_at <= ?"
# A worker that was paused for too long: what it would start now nobody would reap.
_IS_DEAD = "EXISTS (SELECT 1 FROM processes p WHERE p.id = ? AND p.state = 'lost')"
_CLAIM_AND_START = f"""
    UPDATE run_logs SET claimed_by = ?, claimed_at = ?, status = 'running', started_at = ?
    WHERE {_IS_CLAIMABLE} AND {_IS_TOO_LATE} IS NOT TRUE AND NOT {_IS_DEAD}
"""
_NOTE_START = "UPDATE scheduled_functions SET last_started_at = ? WHERE id = ?"
_MISS = f"""
    UPDATE run_logs SET status = 'missed', reason = ?, finished_at = ?
    WHERE {_IS_CLAIMABLE} AND {_IS_TOO_LATE} RETURNING function_id
"""
_FETCH = f"""
    SELECT {_CLAIMED_COLUMNS} FROM run_logs r
    JOIN scheduled_functions f ON f.id = r.function_id WHERE r.id = ?
"""


def claim_and_start(
    run_id: int, worker_id: str, now: float
) -> tuple[ClaimedRun | None, list[Message]]:
    """Claim and start an attempt that is queued, available and unclaimed, in one change.

    None if it is not to be run (any more), or this worker was declared dead. A slot that is older
    than its grace becomes `missed`; the messages are of the run that it had held back.
    """
    crash_point("claim.before")
    with transaction():
        if change(_CLAIM_AND_START, [worker_id, now, now, run_id, now, now, worker_id]):
            run = fetch_claimed(run_id)
            change(_NOTE_START, [now, run.function_id])
            crash_point("claim.uncommitted")
            return run, []
        missed = rows(_MISS, [OUTSIDE_GRACE, now, run_id, now, now])
        return None, [message for (id_,) in missed for message in release_next(id_, now)]


def fetch_claimed(run_id: int) -> ClaimedRun:
    """Return an attempt with what a worker needs of its function."""
    ((*values,),) = rows(_FETCH, [run_id])
    return ClaimedRun(*values)
