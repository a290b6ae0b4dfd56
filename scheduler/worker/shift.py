"""The work of one slot from a message until the queue is empty: run, write verdicts, go on."""

import threading
from collections.abc import Iterator

from scheduler.clock import Clock
from scheduler.crashpoints import crash_point
from scheduler.doorbell import Bell
from scheduler.errors import DatabaseUnavailableError
from scheduler.executor.batch import GoingRun
from scheduler.executor.call import Outcome
from scheduler.executor.pool import BATCH_PATIENCE_SECONDS, ExecutorPool
from scheduler.runner.tally import MOST
from scheduler.stopping import StopSignal
from scheduler.worker.calls import Calls
from scheduler.worker.ended import Ended
from scheduler.worker.held import Held
from scheduler.worker.intake import Intake
from scheduler.worker.register import Register
from scheduler.worker.verdicts import Owed, Written, begin, insist, tell_unwritten, write


class Shift:
    """Runs one batch after another; a run alone is a batch of one.

    A verdict is written in one commit with the start of the next run. A batch is written while the
    next one runs already: its executor need not wait for fifty verdicts.
    """

    def __init__(
        self,
        *,
        pool: ExecutorPool,
        intake: Intake,
        register: Register,
        calls: Calls,
        ticker_bell: Bell,
        stop: StopSignal,
        clock: Clock,
        cells: Iterator[int],
    ) -> None:
        self._pool = pool
        self._intake = intake
        self._register = register
        self._calls = calls
        self._ticker_bell = ticker_bell
        self._stop = stop
        self._clock = clock
        self._cells = cells
        self._owed = Owed()
        self._ended = Ended()

    def work(self, run_id: int | None) -> None:
        """Run queued attempts to their verdicts, this one first, until the queue is empty.

        None: begin with what another slot has claimed and left, or with what waits.
        """
        if run_id is None:
            batch = self._begin_next()
        else:
            batch = self._begin(self._intake.first_batch(run_id, self._cells))
        try:
            while batch:
                crash_point("slot.started")
                going = self._run(batch)
                crash_point("slot.ended")
                if going is not None:
                    self._wait_for(*going)
                batch = self._go_on()
        finally:
            self._settle([])
            self._ended.log()

    def _run(self, batch: list[Held]) -> tuple[Held, GoingRun] | None:
        """Run a batch until it is over, or return the run that takes longer."""
        began = self._clock.monotonic()
        try:
            if batch[0].tally is None:
                (held,) = batch
                outcome = self._pool.run(
                    self._calls.call(held.run),
                    held.control,
                    held.show_output,
                    meanwhile=self._use_wait,
                )
                self._owed.verdicts.append((held, outcome))
                self._intake.note(_seconds_of(outcome) or self._clock.monotonic() - began)
                return None
            end = self._pool.run_batch(
                [self._calls.call(held.run) for held in batch],
                tally=batch[0].tally,
                cell=batch[0].cell,
                turns=[held.turn for held in batch],
                meanwhile=self._use_wait,
            )
        except BaseException:
            self._let_go(batch)  # the heartbeat finds their rows and gives them a verdict
            raise
        count = len(end.outcomes)
        self._owed.verdicts += zip(batch[:count], end.outcomes, strict=True)
        if span_seconds := _seconds_of(*end.outcomes):
            self._intake.note(span_seconds / count, count)
        if end.going is None:
            self._owed.unbegun += batch[count:]
            return None
        self._owed.unbegun += batch[count + 1 :]
        self._owed.going = batch[count]
        return batch[count], end.going

    def _wait_for(self, held: Held, going: GoingRun) -> None:
        """Wait for a run that takes longer than its batch could."""
        late = None
        try:
            self._pay()
            if self._owed:  # others must not wait for it as long as this run takes
                late = self._settle_beside()
            self._intake.hand_back()
        except BaseException:
            going.abandon()
            self._let_go([held])
            raise
        try:
            outcome = going.wait(held.control, held.show_output)
        except BaseException:
            self._let_go([held])
            raise
        if late is not None:
            late.join()
        self._owed.verdicts.append((held, outcome))
        self._intake.note(_seconds_of(outcome) or BATCH_PATIENCE_SECONDS)

    def _settle_beside(self) -> threading.Thread | None:
        """Write what is owed in a thread; here, and None, if the system gives no thread."""
        late = threading.Thread(target=self._settle, args=([],), daemon=True)
        try:
            late.start()
        except RuntimeError:
            self._settle([])
            return None
        return late

    def _use_wait(self) -> None:
        """Do what no run needs to wait for, while the executor works on one."""
        self._pay()
        self._ended.log()
        self._intake.refill()

    def _go_on(self) -> list[Held]:
        """Start what comes next; what is owed is written before, in the same commit, or beside it.

        Before, if something did not go as usual: until then its batch keeps its place in the tally.
        """
        if self._owed.unbegun or self._owed.is_late:
            self._settle([])
            return self._begin_next(most=1)  # whose executor is listened to
        following = self._intake.next_batch(self._cells)
        if len(following) > 1:
            started = self._begin(following)
        else:
            self._settle(following)
            started = self._started(following)
        return started or self._begin_next()

    def _begin_next(self, most: int = MOST) -> list[Held]:
        """Start the next runs that can be; none when there are none."""
        self._settle([])
        self._ended.log()
        while batch := self._intake.next_batch(self._cells, most):
            if started := self._begin(batch):
                return started
        return []

    def _begin(self, batch: list[Held]) -> list[Held]:
        """Claim and start; let go of the others, they are not to be run (any more)."""
        try:
            released = begin(batch, self._register, self._clock.now())
        except BaseException:
            self._drop(batch)
            raise
        self._intake.send(released)
        return self._started(batch)

    def _settle(self, following: list[Held]) -> None:
        """Write what is owed and start queued runs in the same commit; insist on it."""
        if not (self._owed or following):
            return
        try:
            written = insist(
                self._owed,
                following,
                register=self._register,
                clock=self._clock,
                wait=self._stop.wait_hurry,
            )
        except BaseException:
            self._drop(following)
            self._give_up()
            raise
        if written is None:
            self._give_up()
        else:
            self._note(written)

    def _pay(self) -> None:
        """Write what is owed if that is possible now; somebody else has to be looked after."""
        if not self._owed:
            return
        try:
            written = write(self._owed, [], self._register, self._clock.now())
        except DatabaseUnavailableError as error:
            tell_unwritten(self._owed, error)
            self._owed.is_late = True
            return
        except BaseException:
            self._give_up()
            raise
        self._note(written, is_patient=False)

    def _give_up(self) -> None:
        """Leave what is owed to the heartbeat, which finds its rows."""
        for held in self._owed.unbegun:
            self._register.doubt(held)
        self._let_go(self._owed.pop_all())

    def _note(self, written: Written, *, is_patient: bool = True) -> None:
        """Nothing is owed any more: let go of it, and do what follows from it.

        Not patient: a run goes on meanwhile, whose time-out has to be kept.
        """
        crash_point("slot.finished")
        owed, unbegun = self._owed.verdicts, self._owed.unbegun
        for (held, outcome), finished in zip(owed, written.finished, strict=True):
            self._ended.note(held.run, outcome, finished)
        taken_back = [
            held.supplied
            for held in unbegun
            if held.supplied is not None and held.run_id in written.taken_back
        ]
        self._let_go(self._owed.pop_all())
        self._intake.put_back(taken_back)
        # Taken back by a commit whose answer was lost, perhaps: claimed then, and nobody's.
        missing = [held.run_id for held in unbegun if held.run_id not in written.taken_back]
        if missing:
            self._intake.doubt(missing)
        self._intake.send(written.messages, is_patient=is_patient)
        if any(finished.retry_at is not None for finished in written.finished):
            self._ticker_bell.ring()

    def _started(self, batch: list[Held]) -> list[Held]:
        """Let go of what has not started; return the rest."""
        self._let_go([held for held in batch if held.started is None])
        return [held for held in batch if held.started is not None]

    def _drop(self, batch: list[Held]) -> None:
        """Let go of what could not be started; what is claimed all the same stays in the supply."""
        for held in batch:
            self._register.doubt(held)
        self._let_go(batch)
        self._intake.put_back([held.supplied for held in batch if held.supplied is not None])

    def _let_go(self, batch: list[Held]) -> None:
        for held in batch:
            self._register.let_go(held)


def _seconds_of(*outcomes: Outcome) -> float:
    """Return how long an executor was busy with runs that followed each other, 0.0 if unknown."""
    if not outcomes or outcomes[0].began_at is None or outcomes[-1].ended_at is None:
        return 0.0
    return outcomes[-1].ended_at - outcomes[0].began_at
