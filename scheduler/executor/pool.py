"""The executors of one worker: forks them, lends them to the slots, keeps the idle ones warm."""

from collections.abc import Callable, Sequence

from scheduler.clock import Clock
from scheduler.errors import ZygoteGoneError
from scheduler.executor.batch import Batch, BatchEnd, GoingRun
from scheduler.executor.call import Call, Outcome
from scheduler.executor.child import LeaseExpiredError
from scheduler.executor.client import Zygote
from scheduler.executor.control import Asked, RunControl
from scheduler.executor.execution import DEATH_SECONDS, Execution
from scheduler.executor.lease import Lease
from scheduler.executor.process import ExecutorProcess
from scheduler.executor.shelf import Shelf
from scheduler.executor.successors import Successors
from scheduler.executor.zygotes import Zygotes
from scheduler.runner.baseline import LEFT_RUNNING
from scheduler.runner.tally import Tally

# Then what has not begun of a batch is taken back, and the run that goes on is waited for.
BATCH_PATIENCE_SECONDS = 0.02
_REFUSED = "its executor said that a file was changed, which only the function can have written"


def _do_nothing() -> None: ...


class ExecutorPool:
    """Shared by all slots; thread-safe. Durations in seconds; `max_rss_bytes` 0 = no limit.

    When the `lease` has run out, because `ping` was not called, executors are killed and nothing
    is started.
    """

    def __init__(
        self,
        *,
        max_runs_per_process: int,
        max_rss_bytes: int,
        preload: Sequence[str],
        lease: Lease,
        terminate_grace_seconds: float = 2.0,
        batch_patience_seconds: float = BATCH_PATIENCE_SECONDS,
        clock: Clock,
    ) -> None:
        self._max_runs = max_runs_per_process
        self._max_rss_bytes = max_rss_bytes
        self.lease = lease
        self._grace_seconds = terminate_grace_seconds
        self._batch_patience_seconds = batch_patience_seconds
        self._clock = clock
        self._zygotes = Zygotes(preload, lease)
        self._shelf = Shelf(max_runs_per_process)
        self._successors = Successors(self._shelf, self.warm, clock)
        self.tally: Tally | None = None  # without one there are no batches

    def start(self) -> None:
        """Start the zygote; raises ZygoteGoneError if it cannot."""
        self._zygotes.living()

    def ping(self, at: float) -> None:
        """Renew the lease after a committed heartbeat; starts a dead zygote again.

        at: `lease.now()` before that heartbeat: a worker may be paused right after it.
        """
        self.lease.renew(at)
        self._zygotes.ping(at)

    def look(self) -> bool:
        """See to it that the zygote answers, at least once a second; False if it was killed."""
        zygote = self._zygotes.current
        return zygote is None or zygote.look(self._clock.monotonic())

    @property
    def zygote_pid(self) -> int | None:
        """The zygote's process id, None without one; for tests, which look for its family."""
        zygote = self._zygotes.current
        return zygote.pid if zygote is not None else None

    def run(
        self,
        call: Call,
        control: RunControl,
        on_output: Callable[[str, int], None],
        *,
        meanwhile: Callable[[], None] = _do_nothing,
        begun_on: ExecutorProcess | None = None,
    ) -> Outcome:
        """Execute a call and wait for its end; called from many threads at once.

        `on_output(text so far, total bytes)` is called about once a second when there is more.
        `meanwhile()` is called once, or again for another try, as soon as an executor is at work.
        What they raise ends the run and is raised here. Faults of user code are outcomes.
        `begun_on`: where it has begun already, as one of a batch.
        """
        with self._shelf.counted([call] if begun_on is None else []):
            return self._run(call, control, on_output, meanwhile, begun_on)

    def room(self, scan_path: str) -> int:
        """Return how many runs a batch may have now; 1 means that there should be none."""
        executor = self._shelf.peek(scan_path)
        is_fit = executor is not None and executor.tally is self.tally is not None
        return self._max_runs - executor.runs if executor is not None and is_fit else 1

    def hand_over(self, cell: int, run_ids: Sequence[int], started_at: float) -> Tally | None:
        """Write into the tally, before they start, which runs are a batch; None if it cannot."""
        tally = self.tally
        try:
            if tally is not None:
                tally.hand_over(cell, run_ids, started_at)
        except OSError:
            return None
        return tally

    def run_batch(
        self,
        calls: Sequence[Call],
        *,
        tally: Tally | None,
        cell: int,
        turns: Sequence[int],
        meanwhile: Callable[[], None],
    ) -> BatchEnd:
        """Execute calls of one scan path in turn, for as long as they are short and usual.

        They have these turns in a cell of the tally, which must be that of the executor. What was
        not begun can be run in another way.
        """
        with self._shelf.counted(calls):
            try:
                executor = self._take(calls[0])
            except (ZygoteGoneError, OSError):  # a run alone tells of it
                return BatchEnd()
            room = max(1, self._max_runs - executor.runs)  # another one may have been looked at
            batch = Batch(
                executor,
                calls[:room],
                cell=cell,
                turns=turns[:room],
                meanwhile=meanwhile,
                patience_seconds=self._batch_patience_seconds,
                clock=self._clock,
            )
            try:
                self._successors.begin(executor, len(calls))
                outcomes = batch.run() if executor.tally is tally is not None else []
            except BaseException:
                self._discard(executor, kill=True)
                raise
        if batch.is_going:
            return BatchEnd(outcomes, self._going(executor, calls[len(outcomes)]))
        self._put_away(executor, batch.why_replace)
        return BatchEnd(outcomes)

    def prepare(self) -> None:
        """Have executors forked that may be needed soon; called about every second."""
        self._successors.prepare()

    def warm(self, scan_path: str, files: Sequence[str] = ()) -> None:
        """Fork an executor ahead of a run and have it import files; raises ZygoteGoneError."""
        executor = self._fork(scan_path)
        if executor.load(files, self._clock):
            self._keep(executor, is_last_choice=True)
        else:
            self._discard(executor, kill=True)

    def close(self) -> None:
        """Kill everything; runs that still go end as lost."""
        idle = self._shelf.close()
        self._zygotes.close()
        for executor in idle:
            executor.retire()

    def _going(self, executor: ExecutorProcess, call: Call) -> GoingRun:
        return GoingRun(
            lambda control, on_output: self.run(call, control, on_output, begun_on=executor),
            lambda: self._discard(executor, kill=True),
        )

    def _run(
        self,
        call: Call,
        control: RunControl,
        on_output: Callable[[str, int], None],
        meanwhile: Callable[[], None],
        begun_on: ExecutorProcess | None,
    ) -> Outcome:
        note = None
        while True:
            try:
                executor = begun_on or self._take(call, is_fresh=note is not None)
            except (ZygoteGoneError, OSError) as error:
                # However long: whoever finds us dead, or tells us to stop, ends the run.
                if isinstance(error, LeaseExpiredError) and self.lease.wait_valid(
                    lambda: control.asked is not None or self._zygotes.is_closed
                ):
                    continue
                return _unbegun(error, control.asked)
            execution = Execution(
                executor,
                call,
                control,
                on_output=on_output,
                meanwhile=meanwhile,
                grace_seconds=self._grace_seconds,
                clock=self._clock,
            )
            try:
                outcome = execution.run(is_sent=begun_on is not None)
            except BaseException:
                self._discard(executor, kill=True)
                raise
            if outcome is not None:
                self._give_back(executor, execution, call)
                return _with_note(outcome, note)
            if execution.answer is not None and (note is not None or begun_on is not None):
                self._discard(executor, kill=True)
                return Outcome(status="lost", reason=_REFUSED)
            if execution.answer is not None:
                note = f"executor replaced: {execution.answer['stale']} was changed"
            self._discard(executor, kill=False)
            begun_on = None

    def _take(self, call: Call, *, is_fresh: bool = False) -> ExecutorProcess:
        """Return an executor for a call; is_fresh: one that has loaded nothing yet."""
        if not self.lease.is_valid():  # a worker that was paused: its executors may not know yet
            raise LeaseExpiredError("the worker's lease has run out")
        kept = None
        if not is_fresh:
            kept = self._shelf.take(call.scan_path, isolates=call.isolated)
        return kept or self._fork(call.scan_path, isolates=call.isolated)

    def _give_back(self, executor: ExecutorProcess, execution: Execution, call: Call) -> None:
        executor.used(call.module_path)
        if executor.exit is not None and executor.exit.is_unknown:
            self._zygotes.replace_that_of(executor)
        if execution.was_forced:
            self._discard(executor, kill=True)
        else:
            why_replace = (execution.answer or {}).get("replace")
            self._put_away(executor, why_replace)

    def _put_away(self, executor: ExecutorProcess, why_replace: str | None) -> None:
        """Keep an executor for another run, unless it is not fit for one."""
        self._zygotes.note_imports(executor.imports)
        if executor.exit is not None or executor.is_broken:
            self._discard(executor, kill=True)
        elif why_replace is not None:
            self._discard(executor, kill=why_replace.startswith(LEFT_RUNNING))
        elif executor.runs >= self._max_runs and not executor.isolates:
            self._discard(executor, kill=False)
        else:
            self._keep(executor)

    def _keep(self, executor: ExecutorProcess, *, is_last_choice: bool = False) -> None:
        surplus = self._shelf.keep(executor, is_last_choice=is_last_choice)
        if surplus is not None:
            self._discard(surplus, kill=False)

    def _discard(self, executor: ExecutorProcess, *, kill: bool) -> None:
        if kill and executor.exit is None:
            executor.kill(DEATH_SECONDS)
        executor.retire()

    def _fork(self, scan_path: str, *, isolates: bool = False) -> ExecutorProcess:
        def fork_from(zygote: Zygote) -> ExecutorProcess:
            return ExecutorProcess(
                zygote,
                scan_path,
                isolates=isolates,
                max_rss_bytes=self._max_rss_bytes,
                imports=self._zygotes.imports,
                tally=self.tally,
                forked_at=self._clock.monotonic(),
            )

        return self._zygotes.fork(fork_from)


def _unbegun(error: Exception, asked: Asked | None) -> Outcome:
    asked = asked or Asked("lost")
    return _with_note(
        Outcome(status=asked.status, reason=asked.reason), f"no executor could be started: {error}"
    )


def _with_note(outcome: Outcome, note: str | None) -> Outcome:
    if note is None:
        return outcome
    reason = "; ".join(filter(None, (outcome.reason, note)))
    return outcome._replace(reason=reason)
