"""Claim and start: the atomic changes that give one worker the right to run an attempt.

Mostly one change. Where many short runs wait a worker claims a chunk of them in one commit, then
starts each by its own: what is claimed but not started goes back to the queue when the worker ends.
"""

from collections.abc import Sequence
from typing import NamedTuple

from scheduler.crashpoints import crash_point
from scheduler.db.locks import lock_runs
from scheduler.db.messages import MESSAGE_COLUMNS, Message, messages
from scheduler.db.releases import release_next
from scheduler.db.statements import (
    change,
    change_function_at_end,
    one_of,
    placeholders,
    rows,
    transaction,
)


class ClaimedRun(NamedTuple):
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


STARTED_TOO_LATE = "it could not be started within its grace"

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
# What was sent is available: by the sender's clock, which may be ahead of this worker's.
_IS_CLAIMABLE = """
    status = 'queued' AND claimed_by IS NULL AND (sent_at IS NOT NULL OR available_at <= ?)
"""
# A worker that was paused for too long: what it would start now nobody would reap.
_IS_DEAD = "EXISTS (SELECT 1 FROM processes p WHERE p.id = ? AND p.state = 'lost')"
_CLAIM_AND_START = f"""
    UPDATE run_logs SET claimed_by = ?, claimed_at = ?, status = 'running', started_at = ?
    WHERE id = ? AND {_IS_CLAIMABLE} AND {_IS_TOO_LATE} IS NOT TRUE AND NOT {_IS_DEAD}
"""
_CLAIM = f"""
    UPDATE run_logs SET claimed_by = ?, claimed_at = ? WHERE {{}} AND {_IS_CLAIMABLE}
    AND {_IS_TOO_LATE} IS NOT TRUE AND NOT {_IS_DEAD} RETURNING id
"""
_START = """
    UPDATE run_logs SET status = 'running', started_at = ?
    WHERE {} AND status = 'queued' AND claimed_by = ? RETURNING id
"""
_HAND_BACK = f"""
    UPDATE run_logs SET claimed_by = NULL, claimed_at = NULL, sent_at = ?
    WHERE status = 'queued' AND claimed_by = ? {{only}} RETURNING {MESSAGE_COLUMNS}
"""
_UNDO_START = f"""
    UPDATE run_logs SET status = 'queued', claimed_by = NULL, claimed_at = NULL, started_at = NULL,
        sent_at = ?
    WHERE id = ? AND status = 'running' AND claimed_by = ? RETURNING {MESSAGE_COLUMNS}
"""
_NOTE_START = "UPDATE scheduled_functions SET last_started_at = ? WHERE id = ?"
_MISS = f"""
    UPDATE run_logs SET status = 'missed', reason = ?, finished_at = ?
    WHERE id = ? AND {_IS_CLAIMABLE} AND {_IS_TOO_LATE} RETURNING function_id
"""
# What has failed stays so until it goes well again.
_NOTE_MISS = """
    UPDATE scheduled_functions SET last_status = 'missed'
    WHERE id = ? AND COALESCE(last_status, 'success') IN ('success', 'cancelled')
"""
_FETCH = f"""
    SELECT {_CLAIMED_COLUMNS} FROM run_logs r
    JOIN scheduled_functions f ON f.id = r.function_id WHERE r.id IN ({{}})
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
            note_start(run, now)
            crash_point("claim.uncommitted")
            return run, []
        return None, _miss(run_id, now)


def claim_chunk(
    run_ids: Sequence[int], worker_id: str, now: float
) -> tuple[list[ClaimedRun], list[Message]]:
    """Claim attempts in one change without starting them; the others are treated as by a claim.

    Returns those that are this worker's now, and the messages as `claim_and_start` does.
    """
    released: list[Message] = []
    with transaction():
        lock_runs(run_ids)
        are_these, ids = one_of("id", run_ids)
        found = rows(_CLAIM.format(are_these), [worker_id, now, *ids, now, now, worker_id])
        runs = {run.id: run for run in _fetch([run_id for (run_id,) in found])}
        for run_id in set(run_ids) - runs.keys():
            released += _miss(run_id, now)
        crash_point("supply.uncommitted")
    return [runs[run_id] for run_id in dict.fromkeys(run_ids) if run_id in runs], released


def start(runs: Sequence[ClaimedRun], worker_id: str, now: float) -> list[ClaimedRun]:
    """Start, in one change, attempts that this worker has claimed; returns those that it could.

    Of a batch `last_started_at` is written with the ends, which tell when each has begun.
    """
    with transaction():
        run_ids = [run.id for run in runs]
        lock_runs(run_ids)
        are_these, ids = one_of("id", run_ids)
        started = {run_id for (run_id,) in rows(_START.format(are_these), [now, *ids, worker_id])}
        if len(runs) == len(started) == 1:
            note_start(runs[0], now)
    return [run for run in runs if run.id in started]


def note_start(run: ClaimedRun, started_at: float) -> None:
    """Note with its function, in a transaction that goes on, when a run has started."""
    change_function_at_end(run.function_id, _NOTE_START, [started_at, run.function_id])


def hand_back(run_ids: Sequence[int] | None, worker_id: str, now: float) -> list[Message]:
    """Undo a worker's claims of what it has not started, all of them with None; as if just sent.

    Returns the messages to send after the commit.
    """
    only = "" if run_ids is None else f"AND id IN ({placeholders(len(run_ids))})"
    with transaction():
        return messages(_HAND_BACK.format(only=only), [now, worker_id, *(run_ids or ())])


def undo_start(run_id: int, worker_id: str, now: float) -> list[Message]:
    """Return to the queue what its worker is known not to have begun; as if just sent."""
    with transaction():
        return messages(_UNDO_START, [now, run_id, worker_id])


def fetch_claimed(run_id: int) -> ClaimedRun:
    """Return an attempt with what a worker needs of its function."""
    (run,) = _fetch([run_id])
    return run


def _fetch(run_ids: Sequence[int]) -> list[ClaimedRun]:
    if not run_ids:
        return []
    found = rows(_FETCH.format(placeholders(len(run_ids))), run_ids)
    return [ClaimedRun._make(values) for values in found]


def _miss(run_id: int, now: float) -> list[Message]:
    """Give a slot that is older than its grace its verdict; return what it had held back."""
    released: list[Message] = []
    for (function_id,) in rows(_MISS, [STARTED_TOO_LATE, now, run_id, now, now]):
        change_function_at_end(function_id, _NOTE_MISS, [function_id])
        released += release_next(function_id, now)
    return released
