"""What a slot takes on next: a run alone, or a batch of short ones that one executor can have."""

from collections.abc import Iterator, Sequence
from math import inf

from scheduler.clock import Clock
from scheduler.crashpoints import crash_point
from scheduler.db.claims import ClaimedRun
from scheduler.db.messages import Message
from scheduler.errors import DatabaseUnavailableError, QueueUnavailableError
from scheduler.executor.pool import ExecutorPool
from scheduler.logs import event
from scheduler.queue import RunQueue
from scheduler.runner.tally import MOST
from scheduler.stopping import StopSignal
from scheduler.worker.calls import Calls
from scheduler.worker.held import Held
from scheduler.worker.lookout import Lookout
from scheduler.worker.register import Register
from scheduler.worker.supply import Supply

_LEAST_TIMEOUT_SECONDS = 1.0  # a shorter one needs somebody who listens


class Intake:
    """Shared by the slots of a worker. A queue that fails is logged, and empty for the moment."""

    def __init__(
        self,
        *,
        queue: RunQueue,
        supply: Supply,
        lookout: Lookout,
        pool: ExecutorPool,
        register: Register,
        calls: Calls,
        stop: StopSignal,
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._supply = supply
        self._lookout = lookout
        self._pool = pool
        self._register = register
        self._calls = calls
        self._stop = stop
        self._clock = clock

    def first_batch(self, run_id: int, cells: Iterator[int]) -> list[Held]:
        """Hold a run that has come out of the queue, alone or with those that wait behind it."""
        if self._pool.tally is not None and not self._stop.is_set():
            try:
                released = self._supply.gather(
                    run_id, self._register.worker_id, sharers=self._sharers()
                )
            except QueueUnavailableError as error:
                event("queue.unreadable", "error", error=str(error))
            else:
                if released is not None:
                    self.send(released)
                    return self.next_batch(cells)
        return self._hold_message(run_id)

    def next_batch(self, cells: Iterator[int], most: int = MOST) -> list[Held]:
        """Hold what is to be started next; nothing when nothing waits, or when told to stop, or
        without a valid lease.

        A batch, of more than one run, stands in the next cell of the tally then.
        """
        if self._stop.is_set() or not self._pool.lease.is_valid():
            return []
        most = most if self._pool.tally is not None else 1
        try:
            supplied, released = self._supply.take(
                self._register.worker_id, most, sharers=self._sharers()
            )
            run_id = None if supplied else self._queue.take_now()
        except QueueUnavailableError as error:
            event("queue.unreadable", "error", error=str(error))
            return []
        self.send(released)
        if not supplied:
            return [] if run_id is None else self._hold_message(run_id)
        try:
            batch = self._hold_fitting(supplied, cells)
        except BaseException:
            self._supply.put_back(supplied)
            raise
        self._share_rest()
        return batch

    def refill(self) -> None:
        """Claim ahead what is to be started after the next batch, unless told to stop."""
        if self._stop.is_set():
            return
        try:
            self.send(self._supply.refill(self._register.worker_id), is_patient=False)
        except QueueUnavailableError as error:
            event("queue.unreadable", "error", error=str(error))
        self._share_rest()

    def put_back(self, runs: Sequence[ClaimedRun]) -> None:
        """Keep what was not started after all: it is still claimed, and comes next."""
        self._supply.put_back(runs)

    def doubt(self, run_ids: Sequence[int]) -> None:
        """Take it that these may be claimed and not started: `hand_back` will see."""
        self._supply.doubt(run_ids)

    def hand_back(self, *, unless_fresh: bool = False) -> None:
        """Return to the queue what is claimed and not started: others come for it.

        unless_fresh: only what no slot comes for. Whatever has to be waited for is left as it is:
        the heartbeat comes for it, and for what could not be sent.
        """
        worker_id = self._register.worker_id
        try:
            released = self._supply.hand_back(worker_id, unless_fresh=unless_fresh)
            self.send(released, is_patient=False)
        except DatabaseUnavailableError as error:
            event("run.unclaimed", "error", error=str(error))

    def note(self, seconds: float, count: int = 1) -> None:
        """Tell of so many runs how long each has kept an executor busy."""
        self._supply.note(seconds, count)

    def send(self, messages: list[Message], *, is_patient: bool = True) -> None:
        """Send what a commit released; where the queue fails the sweeper does it later.

        Not patient: where others keep it locked they go with what is sent next.
        """
        if not messages:
            return
        try:
            if is_patient:
                self._queue.send(messages)
            else:
                self._queue.send_now(messages)
        except QueueUnavailableError as error:
            event("queue.unwritable", "error", error=str(error))

    def _share_rest(self) -> None:
        """Call an idle slot to what is claimed and left; it calls the next one."""
        if self._supply.has_some():
            self._lookout.call()

    def _sharers(self) -> int:
        """Return how many slots are there for what is claimed: this one and those that are idle."""
        return 1 + self._lookout.idle

    def _hold_message(self, run_id: int) -> list[Held]:
        """Hold a run whose message is taken, alone; nothing if a slot of ours holds it."""
        crash_point("slot.dequeued")
        held = self._register.hold(run_id)
        return [] if held is None else [held]

    def _hold_fitting(self, supplied: list[ClaimedRun], cells: Iterator[int]) -> list[Held]:
        """Hold the runs that can be a batch, or one; the others come next."""
        count = self._fitting(supplied)
        held = [self._register.hold(run.id, run) for run in supplied[:count]]
        batch = [one for one in held if one is not None]
        # What a slot of ours holds already, it got by a second message: whoever comes last has it.
        missed = [run for run, one in zip(supplied, held, strict=False) if one is None]
        if len(batch) > 1:
            self._hand_over(batch, next(cells))
        self._supply.put_back([*missed, *supplied[count:]])
        return batch

    def _hand_over(self, batch: list[Held], cell: int) -> None:
        """Give a batch its place in the tally; where there is none it shrinks to one run."""
        now = self._clock.now()
        tally = self._pool.hand_over(cell, [held.run_id for held in batch], now)
        if tally is not None:
            for turn, held in enumerate(batch):
                held.tally, held.cell, held.turn, held.batch_started_at = tally, cell, turn, now
            return
        for held in batch[1:]:
            self._register.let_go(held)
        self._supply.put_back([held.supplied for held in batch[1:] if held.supplied is not None])
        del batch[1:]

    def _fitting(self, runs: list[ClaimedRun]) -> int:
        """Return how many of the runs can be a batch."""
        scan_path = self._calls.scan_path(runs[0])
        most = min(len(runs), self._pool.room(scan_path)) if len(runs) > 1 else 1
        others = (
            turn
            for turn, run in enumerate(runs[:most])
            if run.isolated
            or self._calls.scan_path(run) != scan_path
            or (self._calls.timeout_seconds(run) or inf) < _LEAST_TIMEOUT_SECONDS
        )
        return max(1, next(others, most))
