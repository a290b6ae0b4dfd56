"""What was started as a batch and has not begun, or has ended unheard: its rows are put right."""

from collections.abc import Sequence

from scheduler.db.claims import fetch_claimed
from scheduler.db.finishes import finish
from scheduler.db.messages import Message
from scheduler.db.releases import release_next
from scheduler.db.runs import CANCELLED_BEFORE_START, cancel_queued
from scheduler.db.statements import placeholders, rows, transaction
from scheduler.executor.call import Outcome
from scheduler.runner.tally import Tallied

UNHEARD = "it succeeded; its worker ended before it could write that down"

_TAKE_BACK = """
    UPDATE run_logs SET status = 'queued', started_at = NULL
    WHERE id IN ({}) AND status = 'running' AND claimed_by = ?
    RETURNING id, function_id, cancel_requested_at
"""
_RUNNING = "SELECT id, started_at FROM run_logs WHERE status = 'running' AND claimed_by = ?"


def take_back(run_ids: Sequence[int], worker_id: str, now: float) -> tuple[set[int], list[Message]]:
    """Undo starts of what has not begun; returns what is only claimed again.

    What somebody wanted to cancel meanwhile is cancelled; the messages are of what it had held.
    """
    if not run_ids:
        return set(), []
    released: list[Message] = []
    with transaction():
        found = rows(_TAKE_BACK.format(placeholders(len(run_ids))), [*run_ids, worker_id])
        for run_id, function_id, cancel_requested_at in found:
            if cancel_requested_at is not None:
                cancel_queued("id = ?", [run_id], reason=CANCELLED_BEFORE_START, now=now)
                released += release_next(function_id, now)
    return {int(run_id) for run_id, _, unwanted_at in found if unwanted_at is None}, released


def settle(tallied: Tallied, worker_id: str, now: float) -> list[Message]:
    """Put right what a dead worker had handed over: take back what has not begun, and end, now,
    what has succeeded. Of what it started again later the tally says nothing."""
    with transaction():
        running = set(rows(_RUNNING, [worker_id]))
        unbegun = [run_id for run_id, _ in running.intersection(tallied.unbegun)]
        _, released = take_back(unbegun, worker_id, now)
        succeeded = Outcome(status="success", reason=UNHEARD)
        for run_id, _ in sorted(running.intersection(tallied.succeeded)):
            released += finish(fetch_claimed(run_id), succeeded, worker_id, now).messages
    return released
