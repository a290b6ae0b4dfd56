"""The sweeper: sends what has become available, and again what the queue may have lost."""

from scheduler.db import messages
from scheduler.db.releases import release_forgotten
from scheduler.logs import event
from scheduler.queue import RunQueue


class Sweeper:
    """Makes the queue agree with the rows; every message is a hint and may be sent twice."""

    def __init__(self, queue: RunQueue) -> None:
        self._queue = queue

    def send_available(self, now: float) -> int:
        """Send retries and put-off runs whose time has come; return how many."""
        available = messages.take_unsent(now)
        self._queue.send(available)
        return len(available)

    def sweep(self, now: float) -> None:
        """Release forgotten held runs; send again what was sent long ago and nobody claimed.

        Only while the queue holds fewer messages than there are such rows: a long queue is not
        a lost one. Its size comes first: what slots take between the two questions must not look
        lost. Nor must what another ticker has decided ahead, and is about to send.
        """
        has_held, has_waiting = messages.look_for_sweep(now)
        if has_held:
            self._queue.send(release_forgotten(now))
        if not has_waiting:
            return
        size = self._queue.size()
        if messages.count_waiting(now - messages.RESEND_AHEAD_SECONDS) > size:
            again = messages.take_overdue(now)
            if again:
                event("queue.refilled", "warning", runs=len(again))
            self._queue.send(again)
