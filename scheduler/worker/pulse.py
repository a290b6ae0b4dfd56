"""A worker's heartbeat: sign of life, lease of its executors, requests for its runs."""

from functools import partial

from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.db.runs import fetch_requests, record_stack
from scheduler.errors import QueueUnavailableError, SchedulerError
from scheduler.executor.pool import ExecutorPool
from scheduler.logs import event
from scheduler.maintenance.presence import Presence
from scheduler.maintenance.surroundings import Surroundings
from scheduler.queue import RunQueue
from scheduler.worker.reconciliation import reconcile
from scheduler.worker.slot import Slots

LOOK_SECONDS = 0.5
IDLE_SECONDS = 1.0


class Pulse:
    """Called by the consumer's main thread, twice a second while something runs, and for each beat;
    never raises."""

    def __init__(
        self,
        config: Config,
        *,
        presence: Presence,
        surroundings: Surroundings,
        pool: ExecutorPool,
        slots: Slots,
        queue: RunQueue,
        clock: Clock,
    ) -> None:
        self._config = config
        self._presence = presence
        self._surroundings = surroundings
        self._pool = pool
        self._slots = slots
        self._queue = queue
        self._clock = clock
        self._next_beat = 0.0
        self._next_file_check = 0.0

    def __call__(self) -> float:
        """Do what is due; return the seconds until the next call."""
        seconds = LOOK_SECONDS if self._slots.controls() else IDLE_SECONDS
        try:
            self._step(self._clock.monotonic())
        except SchedulerError as error:
            # No ping without a committed heartbeat: the lease then kills what others may redo.
            event("worker.heartbeat_failed", level="error", error=str(error))
            return min(seconds, self._config.heartbeat_seconds)
        return max(0.0, min(seconds, self._next_beat - self._clock.monotonic()))

    def _step(self, monotonic: float) -> None:
        is_beat_due = monotonic >= self._next_beat
        # Only a run can stop the zygote, and a fork looks for itself: idle, it is let sleep.
        if (is_beat_due or self._slots.controls()) and not self._pool.look():
            event("zygote.killed", "warning", reason="it did not answer")
        if monotonic >= self._next_file_check:
            self._next_file_check = monotonic + 1.0
            self._surroundings.check()
        if is_beat_due:
            self._beat()
            # The lease counts from before the beat: one that had to wait has left little of it.
            if self._clock.monotonic() - monotonic >= self._config.heartbeat_seconds:
                self._beat()
            self._next_beat = monotonic + self._config.heartbeat_seconds
        self._serve_requests()
        self._slots.hand_back(unless_fresh=True)
        self._pool.prepare()
        self._look_at_queue()

    def _look_at_queue(self) -> None:
        try:
            self._queue.send_now([])
            self._queue.ring_if_waiting()
        except QueueUnavailableError as error:
            event("queue.unreadable", level="error", error=str(error))

    def _beat(self) -> None:
        begun = self._pool.lease.now()
        if not self._presence.beat(f"{self._slots.busy} busy"):
            event("worker.declared_dead", level="warning", worker=self._presence.name)
            self._slots.work_as(self._presence.id)
        self._pool.tally = self._presence.tally
        self._pool.ping(begun)
        self._queue.send_now(reconcile(self._presence.id, self._slots, self._clock.now()))

    def _serve_requests(self) -> None:
        controls = self._slots.controls()
        if not controls:
            return
        for request in fetch_requests(self._presence.id):
            control = controls.get(request.run_id)
            if control is None:
                continue
            if request.wants_cancel:
                control.cancel()
            if request.wants_stack:
                control.request_stack(partial(_show_stack, request.run_id))


def _show_stack(run_id: int, stack: str) -> None:
    """Write a stack; that it could not be shown is no reason to end the run."""
    try:
        record_stack(run_id, stack)
    except SchedulerError as error:
        event("run.stack_unwritten", "warning", run_id=run_id, error=str(error))
