"""What a slot does with a message: claim and start, execute, finish, then the next one."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.crashpoints import crash_point
from scheduler.db.claims import ClaimedRun, claim_and_start, start
from scheduler.db.finishes import Finished, finish
from scheduler.db.messages import Message
from scheduler.db.runs import record_output
from scheduler.db.statements import transaction
from scheduler.doorbell import Bell
from scheduler.errors import DatabaseUnavailableError, QueueUnavailableError
from scheduler.executor import Call, ExecutorPool, Outcome, RunControl
from scheduler.logs import event
from scheduler.queue import RunQueue
from scheduler.stopping import StopSignal
from scheduler.worker.ended import Ended
from scheduler.worker.places import local_scan_path
from scheduler.worker.supply import Supply

FIRST_BACKOFF_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 5.0


class Slots:
    """The work that all slots of a worker share; `execute` is called by N threads at once."""

    def __init__(
        self,
        config: Config,
        *,
        pool: ExecutorPool,
        queue: RunQueue,
        ticker_bell: Bell,
        stop: StopSignal,
        clock: Clock,
    ) -> None:
        self._config = config
        self._pool = pool
        self._queue = queue
        self._ticker_bell = ticker_bell
        self._stop = stop
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[int, _Held] = {}
        self._doubts: set[int] = set()  # runs whose start failed, perhaps after its commit
        self._supply = Supply(queue, clock)
        self.worker_id = ""

    def execute(self, run_id: int) -> None:
        """Run queued attempts to their verdicts, this one first, until the queue is empty."""
        crash_point("slot.dequeued")
        held = self._hold(run_id)
        if held is None or not self._begin(held):
            return
        ended = Ended()
        try:
            while held is not None:
                crash_point("slot.started")
                began = self._clock.monotonic()
                outcome = self._run(held, partial(self._use_wait, ended))
                crash_point("slot.ended")
                self._supply.note(self._clock.monotonic() - began)
                held = self._end(held, outcome, ended) or self._begin_next(ended)
        finally:
            ended.log()

    def work_as(self, worker_id: str) -> None:
        """Claim under another id from now on; what is held under the old one is not ours any more.

        Every such run is ended, also one that was registered while others declared us dead.
        """
        with self._lock:
            self.worker_id = worker_id
            disowned = [held for held in self._held.values() if held.worker_id != worker_id]
        for held in disowned:
            held.control.cut_off("this worker had been declared dead")
            held.control.kill_now()

    def controls(self) -> dict[int, RunControl]:
        """Return the controls of the runs that are in a slot now, by run id."""
        with self._lock:
            return {run_id: held.control for run_id, held in self._held.items()}

    def is_in_doubt(self, run_id: int) -> bool:
        """Tell whether a run that no slot holds has not begun, whatever its row says."""
        return run_id in self._doubts

    def hand_back(self, *, unless_fresh: bool = False) -> None:
        """Return to the queue what is claimed and not started, or only what no slot comes for."""
        self._send(self._supply.hand_back(self.worker_id, unless_fresh=unless_fresh))

    def _run(self, held: "_Held", meanwhile: Callable[[], None]) -> Outcome:
        try:
            return self._pool.run(
                self._call(held.run), held.control, held.show_output, meanwhile=meanwhile
            )
        except BaseException:
            self._let_go(held)  # the heartbeat finds its row and gives it a verdict
            raise

    def _use_wait(self, ended: Ended) -> None:
        """Do what no run needs to wait for, while the executor works on one."""
        ended.log()
        if self._stop.is_set():
            return
        try:
            self._send(self._supply.refill(self.worker_id))
        except QueueUnavailableError as error:
            event("queue.unreadable", "error", error=str(error))

    def _hold(self, run_id: int, supplied: ClaimedRun | None = None) -> "_Held | None":
        """Register a run before it starts; None if a slot of this worker has it already."""
        with self._lock:
            if run_id in self._held:
                return None
            held = self._held[run_id] = _Held(run_id, self.worker_id, supplied)
            return held

    def _let_go(self, held: "_Held | None") -> None:
        if held is not None:
            with self._lock:
                del self._held[held.run_id]

    def _drop(self, held: "_Held | None") -> None:
        """Let go of what could not be started; what is claimed all the same stays in the supply."""
        self._doubt(held)
        self._let_go(held)
        if held is not None and held.supplied is not None:
            self._supply.put_back(held.supplied)

    def _doubt(self, held: "_Held | None") -> None:
        """Remember, before it is let go, that it has not begun: its start may be on record."""
        if held is not None:
            held.started = None
            self._doubts.add(held.run_id)

    def _begin(self, held: "_Held") -> bool:
        """Claim and start; otherwise let go, it is not to be run (any more)."""
        try:
            released = self._start(held)
        except BaseException:
            self._drop(held)
            raise
        self._send(released)
        if held.started is None:
            self._let_go(held)
        return held.started is not None

    def _start(self, held: "_Held") -> list[Message]:
        """Start what this worker has claimed, or claim and start it; return what that released."""
        released: list[Message] = []
        if held.supplied is None:
            held.started, released = claim_and_start(held.run_id, held.worker_id, self._now())
        elif start(held.supplied, held.worker_id, self._now()):
            held.started = held.supplied
        if held.started is not None:
            self._doubts.discard(held.run_id)
        return released

    def _begin_next(self, ended: Ended) -> "_Held | None":
        """Start the next run that can be; None when there is none."""
        ended.log()
        while (held := self._next_held()) is not None:
            if self._begin(held):
                return held
        return None

    def _end(self, held: "_Held", outcome: Outcome, ended: Ended) -> "_Held | None":
        """Write the verdict and start the next queued run in the same commit; return that one."""
        following = self._next_held()
        try:
            finished = self._insist(held, outcome, following)
        except BaseException:
            self._drop(following)
            raise
        finally:
            self._let_go(held)
        crash_point("slot.finished")
        ended.note(held.run, outcome, finished)
        self._send(finished.messages)
        if finished.retry_at is not None:
            self._ticker_bell.ring()
        if following is not None and following.started is None:
            self._let_go(following)
            return None
        return following

    def _next_held(self) -> "_Held | None":
        if self._stop.is_set():
            return None
        try:
            supplied, released = self._supply.take(self.worker_id)
            run_id = supplied.id if supplied is not None else self._queue.take_now()
        except QueueUnavailableError as error:
            event("queue.unreadable", "error", error=str(error))
            return None
        self._send(released)
        return None if run_id is None else self._hold(run_id, supplied)

    def _insist(self, held: "_Held", outcome: Outcome, following: "_Held | None") -> Finished:
        """Try until the verdict is written; the slot takes nothing new meanwhile.

        After the first failure without the user's text, which a full disk may not hold. Gives up
        when the service is told to hurry: then others find the row and reap it.
        """
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            try:
                return self._write(held, outcome, following)
            except DatabaseUnavailableError as error:
                event("run.unwritten", "error", run_id=held.run_id, error=str(error))
            outcome = _without_text(outcome)
            self._doubt(following)
            if self._stop.wait_hurry(backoff):
                return Finished(is_accepted=False)
            backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)

    def _write(self, held: "_Held", outcome: Outcome, following: "_Held | None") -> Finished:
        with transaction():
            finished = finish(held.run, outcome, held.worker_id, self._now())
            released: list[Message] = []
            if following is not None:
                released = self._start(following)
        finished.messages.extend(released)
        return finished

    def _send(self, released: list[Message]) -> None:
        """Send what was released; where the queue fails the sweeper does it later."""
        try:
            self._queue.send(released)
        except QueueUnavailableError as error:
            event("queue.unwritable", "error", error=str(error))

    def _now(self) -> float:
        return self._clock.now()

    def _call(self, run: ClaimedRun) -> Call:
        return Call(
            run_id=run.id,
            name=run.name,
            scan_path=local_scan_path(self._config.scan_paths, run.scan_path, run.module_path),
            module_path=run.module_path,
            qualname=run.qualname,
            scheduled_for=run.scheduled_for,
            attempt=run.attempt,
            trigger=run.trigger,
            timeout_seconds=run.timeout_seconds or self._config.default_timeout_seconds or None,
            isolated=bool(run.isolated),
            output_limit_bytes=self._config.output_limit_kb * 1024,
        )


@dataclass(slots=True)
class _Held:
    """A run in a slot, from before its start until after its verdict."""

    run_id: int
    worker_id: str
    supplied: ClaimedRun | None = None  # claimed before, with others
    started: ClaimedRun | None = None
    control: RunControl = field(default_factory=RunControl)

    @property
    def run(self) -> ClaimedRun:
        assert self.started is not None, "only what was started is run"
        return self.started

    def show_output(self, output: str, output_bytes: int) -> None:
        """Write live output; that it could not be shown is no reason to end the run."""
        try:
            record_output(self.run_id, output, output_bytes)
        except DatabaseUnavailableError as error:
            event("run.output_unwritten", "warning", run_id=self.run_id, error=str(error))


def _without_text(outcome: Outcome) -> Outcome:
    return replace(
        outcome,
        output=None,
        traceback=None,
        result=None,
        reason="its output could not be written: the database refused it",
    )
