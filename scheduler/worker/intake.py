"""What a slot takes on next: a run alone, or a batch of short ones that one executor can have."""

from collections.abc import Iterator

from scheduler.db.claims import ClaimedRun
from scheduler.db.messages import Message
from scheduler.errors import QueueUnavailableError
from scheduler.executor import ExecutorPool
from scheduler.logs import event
from scheduler.queue import RunQueue
from scheduler.runner.tally import MOST
from scheduler.stopping import StopSignal
from scheduler.worker.calls import Calls
from scheduler.worker.held import Held
from scheduler.worker.register import Register
from scheduler.worker.supply import Supply


class Intake:
    """Shared by the slots of a worker. A queue that fails is logged, and empty for the moment."""

    def __init__(
        self,
        *,
        queue: RunQueue,
        supply: Supply,
        pool: ExecutorPool,
        register: Register,
        calls: Calls,
        stop: StopSignal,
    ) -> None:
        self._queue = queue
        self._supply = supply
        self._pool = pool
        self._register = register
        self._calls = calls
        self._stop = stop

    def next_batch(self, cells: Iterator[int], most: int = MOST) -> list[Held]:
        """Hold what is to be started next; nothing when nothing waits, or when told to stop.

        A batch, of more than one run, stands in the next cell of the tally then.
        """
        if self._stop.is_set():
            return []
        try:
            supplied, released = self._supply.take(self._register.worker_id, most)
            run_id = None if supplied else self._queue.take_now()
        except QueueUnavailableError as error:
            event("queue.unreadable", "error", error=str(error))
            return []
        self.send(released)
        if not supplied:
            held = None if run_id is None else self._register.hold(run_id)
            return [] if held is None else [held]
        cell, count = next(cells), self._fitting(supplied)
        if count > 1 and not self._pool.hand_over(cell, [run.id for run in supplied[:count]]):
            count = 1
        self.put_back(supplied[count:])
        return self._hold_all(supplied[:count], cell)

    def refill(self) -> None:
        """Claim ahead what is to be started after the next batch, unless told to stop."""
        if self._stop.is_set():
            return
        try:
            self.send(self._supply.refill(self._register.worker_id))
        except QueueUnavailableError as error:
            event("queue.unreadable", "error", error=str(error))

    def put_back(self, runs: list[ClaimedRun]) -> None:
        """Keep what was not started after all: it is still claimed, and comes next."""
        for run in reversed(runs):
            self._supply.put_back(run)

    def note(self, seconds: float, count: int = 1) -> None:
        """Tell of so many runs how long each has kept a slot busy."""
        for _ in range(count):
            self._supply.note(seconds)

    def send(self, messages: list[Message]) -> None:
        """Send what a commit released; where the queue fails the sweeper does it later."""
        try:
            self._queue.send(messages)
        except QueueUnavailableError as error:
            event("queue.unwritable", "error", error=str(error))

    def _fitting(self, runs: list[ClaimedRun]) -> int:
        """Return how many of the runs can be a batch."""
        scan_path = self._calls.scan_path(runs[0])
        most = min(len(runs), self._pool.room(scan_path)) if len(runs) > 1 else 1
        others = (
            turn
            for turn, run in enumerate(runs[:most])
            if run.isolated or self._calls.scan_path(run) != scan_path
        )
        return max(1, next(others, most))

    def _hold_all(self, runs: list[ClaimedRun], cell: int) -> list[Held]:
        batch = []
        for turn, run in enumerate(runs):
            if (held := self._register.hold(run.id, run)) is not None:
                held.cell, held.turn = cell, turn
                batch.append(held)
        return batch
