"""What a slot does with a message: claim and start, execute, finish, then the next ones."""

from collections.abc import Callable, Iterator
from functools import partial

from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.crashpoints import crash_point
from scheduler.db.claims import ClaimedRun
from scheduler.db.messages import Message
from scheduler.doorbell import Bell
from scheduler.errors import QueueUnavailableError
from scheduler.executor import Call, ExecutorPool, GoingRun, Outcome, RunControl
from scheduler.executor.batch import PATIENCE_SECONDS
from scheduler.logs import event
from scheduler.queue import RunQueue
from scheduler.runner.tally import MOST
from scheduler.stopping import StopSignal
from scheduler.worker.cells import Cells
from scheduler.worker.ended import Ended
from scheduler.worker.held import Held
from scheduler.worker.places import local_scan_path
from scheduler.worker.register import Register
from scheduler.worker.supply import Supply
from scheduler.worker.verdicts import Verdict, begin, write


class Slots:
    """The work that all slots of a worker share; `execute` is called by N threads at once.

    A slot works off one run after another. While many short ones wait it takes a batch of them:
    started in one commit, handed to one executor, finished in one commit with the start of the
    next. What of it did not begin, because a run took longer than expected, it takes back.
    """

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
        self._register = Register()
        self._cells = Cells()
        self._supply = Supply(queue, clock)

    def execute(self, run_id: int) -> None:
        """Run queued attempts to their verdicts, this one first, until the queue is empty."""
        crash_point("slot.dequeued")
        held = self._register.hold(run_id)
        if held is None:
            return
        ended = Ended()
        batch = self._begin([held])
        try:
            with self._cells.lend() as cells:
                while batch:
                    batch = self._work_off(batch, cells, ended)
        finally:
            ended.log()

    def work_as(self, worker_id: str) -> None:
        """Claim under another id from now on; what is held under the old one is not ours any more.

        Every such run is ended, also one that was registered while others declared us dead.
        """
        for held in self._register.work_as(worker_id):
            held.control.cut_off("this worker had been declared dead")
            held.control.kill_now()

    @property
    def busy(self) -> int:
        """How many slots are at work."""
        return self._cells.lent

    def controls(self) -> dict[int, RunControl]:
        """Return the controls of the runs that are in a slot now, by run id."""
        return self._register.controls()

    def is_in_doubt(self, run_id: int) -> bool:
        """Tell whether a run that no slot holds has not begun, whatever its row says."""
        return self._register.is_in_doubt(run_id)

    def hand_back(self, *, unless_fresh: bool = False) -> None:
        """Return to the queue what is claimed and not started, or only what no slot comes for."""
        worker_id = self._register.worker_id
        self._send(self._supply.hand_back(worker_id, unless_fresh=unless_fresh))

    def _work_off(self, batch: list[Held], cells: Iterator[int], ended: Ended) -> list[Held]:
        """Run what has started to its verdicts; return what has started after it."""
        crash_point("slot.started")
        verdicts, unbegun = self._run(batch, ended)
        crash_point("slot.ended")
        # Before it is taken back it must keep its place in the tally: nothing follows it at once.
        following = [] if unbegun else self._next_batch(cells)
        started = self._end(verdicts, unbegun, following, ended)
        return started or self._begin_next(cells, ended, is_alone=bool(unbegun))

    def _run(self, batch: list[Held], ended: Ended) -> tuple[list[Verdict], list[Held]]:
        """Return the verdicts on runs, and those that have not begun."""
        meanwhile = partial(self._use_wait, ended)
        try:
            if len(batch) == 1:
                return [(batch[0], self._run_alone(batch[0], meanwhile))], []
            calls = [self._call(held.run) for held in batch]
            end = self._pool.run_batch(
                calls, cell=batch[0].cell, turns=[held.turn for held in batch], meanwhile=meanwhile
            )
        except BaseException:
            self._let_go(batch)  # the heartbeat finds their rows and gives them a verdict
            raise
        for outcome in end.outcomes:
            self._supply.note(_seconds_of(outcome))
        count = len(end.outcomes)
        verdicts = list(zip(batch[:count], end.outcomes, strict=True))
        if end.going is None:
            return verdicts, batch[count:]
        going = batch[count]
        try:
            self._end(verdicts, batch[count + 1 :], [], ended)
        except BaseException:
            end.going.abandon()
            self._let_go([going])
            raise
        return [(going, self._wait_for(going, end.going))], []

    def _run_alone(self, held: Held, meanwhile: Callable[[], None]) -> Outcome:
        began = self._clock.monotonic()
        outcome = self._pool.run(
            self._call(held.run), held.control, held.show_output, meanwhile=meanwhile
        )
        self._supply.note(_seconds_of(outcome) or self._clock.monotonic() - began)
        return outcome

    def _wait_for(self, held: Held, going: GoingRun) -> Outcome:
        """Wait for a run that takes longer than its batch could."""
        try:
            outcome = going.wait(held.control, held.show_output)
        except BaseException:
            self._let_go([held])
            raise
        self._supply.note(_seconds_of(outcome) or PATIENCE_SECONDS)
        return outcome

    def _use_wait(self, ended: Ended) -> None:
        """Do what no run needs to wait for, while the executor works on one."""
        ended.log()
        if self._stop.is_set():
            return
        try:
            self._send(self._supply.refill(self._register.worker_id))
        except QueueUnavailableError as error:
            event("queue.unreadable", "error", error=str(error))

    def _begin(self, batch: list[Held]) -> list[Held]:
        """Claim and start; let go of the others, they are not to be run (any more)."""
        try:
            released = begin(batch, self._register, self._clock.now())
        except BaseException:
            self._drop(batch)
            raise
        self._send(released)
        return self._started(batch)

    def _begin_next(self, cells: Iterator[int], ended: Ended, *, is_alone: bool) -> list[Held]:
        """Start the next runs that can be; none when there are none.

        is_alone: only one, whose executor is listened to; a batch has just met with something.
        """
        ended.log()
        while batch := self._next_batch(cells, 1 if is_alone else MOST):
            if started := self._begin(batch):
                return started
        return []

    def _end(
        self,
        verdicts: list[Verdict],
        unbegun: list[Held],
        following: list[Held],
        ended: Ended,
    ) -> list[Held]:
        """Write verdicts and start queued runs in the same commit; return those."""
        try:
            written = write(
                verdicts,
                unbegun,
                following,
                register=self._register,
                now=self._clock.now,
                wait=self._stop.wait_hurry,
            )
        except BaseException:
            self._drop(following)
            raise
        finally:
            self._let_go([held for held, _ in verdicts] + unbegun)
        crash_point("slot.finished")
        for held in reversed(unbegun):
            if held.run_id in written.taken_back and held.supplied is not None:
                self._supply.put_back(held.supplied)
        for (held, outcome), finished in zip(verdicts, written.finished, strict=False):
            ended.note(held.run, outcome, finished)
        self._send(written.messages)
        if any(finished.retry_at is not None for finished in written.finished):
            self._ticker_bell.ring()
        return self._started(following)

    def _next_batch(self, cells: Iterator[int], most: int = MOST) -> list[Held]:
        """Hold what is to be started next: one run, or several that one executor can work off."""
        if self._stop.is_set():
            return []
        try:
            supplied, released = self._supply.take(self._register.worker_id, most)
            run_id = None if supplied else self._queue.take_now()
        except QueueUnavailableError as error:
            event("queue.unreadable", "error", error=str(error))
            return []
        self._send(released)
        if not supplied:
            held = None if run_id is None else self._register.hold(run_id)
            return [] if held is None else [held]
        cell = next(cells)
        fitting = self._fitting(supplied)
        if fitting > 1 and not self._pool.hand_over(cell, [run.id for run in supplied[:fitting]]):
            fitting = 1
        for run in reversed(supplied[fitting:]):
            self._supply.put_back(run)
        return self._hold_all(supplied[:fitting], cell)

    def _fitting(self, runs: list[ClaimedRun]) -> int:
        """Return how many of the runs can be a batch."""
        scan_path = self._scan_path(runs[0])
        most = min(len(runs), self._pool.room(scan_path)) if len(runs) > 1 else 1
        others = (
            turn
            for turn, run in enumerate(runs[:most])
            if run.isolated or self._scan_path(run) != scan_path
        )
        return max(1, next(others, most))

    def _hold_all(self, runs: list[ClaimedRun], cell: int) -> list[Held]:
        batch = []
        for turn, run in enumerate(runs):
            if (held := self._register.hold(run.id, run)) is not None:
                held.cell, held.turn = cell, turn
                batch.append(held)
        return batch

    def _started(self, batch: list[Held]) -> list[Held]:
        """Let go of what has not started; return the rest."""
        self._let_go([held for held in batch if held.started is None])
        return [held for held in batch if held.started is not None]

    def _drop(self, batch: list[Held]) -> None:
        """Let go of what could not be started; what is claimed all the same stays in the supply."""
        for held in reversed(batch):
            self._register.doubt(held)
            if held.supplied is not None:
                self._supply.put_back(held.supplied)
        self._let_go(batch)

    def _let_go(self, batch: list[Held]) -> None:
        for held in batch:
            self._register.let_go(held)

    def _send(self, released: list[Message]) -> None:
        """Send what was released; where the queue fails the sweeper does it later."""
        try:
            self._queue.send(released)
        except QueueUnavailableError as error:
            event("queue.unwritable", "error", error=str(error))

    def _scan_path(self, run: ClaimedRun) -> str:
        return local_scan_path(self._config.scan_paths, run.scan_path, run.module_path)

    def _call(self, run: ClaimedRun) -> Call:
        return Call(
            run_id=run.id,
            name=run.name,
            scan_path=self._scan_path(run),
            module_path=run.module_path,
            qualname=run.qualname,
            scheduled_for=run.scheduled_for,
            attempt=run.attempt,
            trigger=run.trigger,
            timeout_seconds=run.timeout_seconds or self._config.default_timeout_seconds or None,
            isolated=bool(run.isolated),
            output_limit_bytes=self._config.output_limit_kb * 1024,
        )


def _seconds_of(outcome: Outcome) -> float | None:
    if outcome.began_at is None or outcome.ended_at is None:
        return None
    return outcome.ended_at - outcome.began_at
