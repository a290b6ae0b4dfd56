"""What becomes of rows that say they run on this worker, and that no slot of it holds."""

from scheduler.db.claims import undo_start
from scheduler.db.finishes import fetch_running, lose
from scheduler.db.messages import Message
from scheduler.worker.slot import Slots


def reconcile(worker_id: str, slots: Slots, now: float) -> list[Message]:
    """Give them their verdict, or back to the queue if they never began; return the messages.

    Rows first: a slot registers a run before it starts it, and forgets it after its verdict.
    """
    running = fetch_running(worker_id)
    released: list[Message] = []
    for run_id in set(running) - set(slots.controls()):
        if slots.is_in_doubt(run_id):
            released += undo_start(run_id, worker_id, now)
        else:
            reason = "its worker no longer knows of it"
            released += lose(run_id, worker_id, reason=reason, now=now).messages
    return released
