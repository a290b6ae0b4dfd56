"""The executors of one worker: forks them, lends them to the slots, keeps the idle ones warm."""

import dataclasses
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain

from scheduler.clock import Clock
from scheduler.errors import ZygoteGoneError
from scheduler.executor.batch import Batch
from scheduler.executor.call import Call, Outcome
from scheduler.executor.client import ForkRefusedError, LeaseExpiredError, Zygote
from scheduler.executor.control import RunControl
from scheduler.executor.execution import DEATH_SECONDS, Execution
from scheduler.executor.guards import kill_orphans
from scheduler.executor.lease import Lease
from scheduler.executor.process import ExecutorProcess
from scheduler.logs import event
from scheduler.runner.baseline import LEFT_RUNNING
from scheduler.runner.tally import Tally

_MIN_IDLE = 4


def _do_nothing() -> None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class BatchEnd:
    """What became of a batch: the outcomes of its first calls; then one may be `going` still.

    All others have not begun, and do not begin any more.
    """

    outcomes: list[Outcome] = dataclasses.field(default_factory=list)
    going: "GoingRun | None" = None


class GoingRun:
    """A run of a batch that takes longer: have it `wait`ed for or `abandon`ed, one of the two."""

    def __init__(self, pool: "ExecutorPool", executor: ExecutorProcess, call: Call) -> None:
        self._pool = pool
        self._executor = executor
        self._call = call

    def wait(self, control: RunControl, on_output: Callable[[str, int], None]) -> Outcome:
        """Wait for its end as `ExecutorPool.run` does."""
        return self._pool.run(self._call, control, on_output, begun_on=self._executor)

    def abandon(self) -> None:
        """Kill it; it has no outcome."""
        self._pool.discard(self._executor, kill=True)


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
        clock: Clock,
    ) -> None:
        self._max_runs = max_runs_per_process
        self._max_rss_bytes = max_rss_bytes
        self._preload = tuple(preload)
        self.lease = lease
        self._grace_seconds = terminate_grace_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._zygote_lock = threading.Lock()
        self._ready_lock = threading.Lock()
        self._zygote: Zygote | None = None
        self._idle: OrderedDict[int, ExecutorProcess] = OrderedDict()  # least recently used first
        self._busy = 0
        self._most_busy = _MIN_IDLE
        self._recent: Counter[str] = Counter()  # runs by scan path since the last `prepare`
        self._preparing: threading.Thread | None = None
        self._is_closed = False
        self.tally: Tally | None = None  # without one there are no batches

    def start(self) -> None:
        """Start the zygote; raises ZygoteGoneError if it cannot."""
        self._living_zygote()

    def ping(self, at: float) -> None:
        """Renew the lease after a committed heartbeat; starts a dead zygote again.

        at: `lease.now()` before that heartbeat: a worker may be paused right after it.
        """
        self.lease.renew(at)
        with suppress(ZygoteGoneError, OSError):  # the next ping or run tries again
            zygote = self._spawned_zygote()
            if zygote.is_ready:  # one that still loads is told when it has
                zygote.ping(at)

    def look(self) -> bool:
        """See to it that the zygote answers, at least once a second; False if it was killed."""
        zygote = self._zygote
        return zygote is None or zygote.look(self._clock.monotonic())

    @property
    def zygote_pid(self) -> int | None:
        """The zygote's process id: the one child of this process that is no stray."""
        zygote = self._zygote
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
        with self._counted([call] if begun_on is None else []):
            return self._run(call, control, on_output, meanwhile, begun_on)

    def room(self, scan_path: str) -> int:
        """Return how many runs a batch may have now; 1 means that there should be none."""
        with self._lock:
            for executor in reversed(self._idle.values()):
                if executor.scan_path == scan_path:
                    is_fit = self.tally is not None and executor.tally is self.tally
                    return self._max_runs - executor.runs if is_fit else 1
        return 1

    def hand_over(self, cell: int, run_ids: Sequence[int]) -> bool:
        """Write into the tally, before they start, which runs are a batch; False if it cannot."""
        try:
            if self.tally is not None:
                self.tally.hand_over(cell, run_ids)
        except OSError:
            return False
        return self.tally is not None

    def run_batch(
        self,
        calls: Sequence[Call],
        *,
        cell: int,
        turns: Sequence[int],
        meanwhile: Callable[[], None],
    ) -> BatchEnd:
        """Execute calls of one scan path in turn, for as long as they are short and usual.

        They have these turns in a cell of the tally. What was not begun can be run in another way.
        """
        with self._counted(calls):
            try:
                executor = self._take(calls[0])
            except (ZygoteGoneError, OSError):  # a run alone tells of it
                return BatchEnd()
            batch = Batch(
                executor, calls, cell=cell, turns=turns, meanwhile=meanwhile, clock=self._clock
            )
            try:
                is_fit = executor.tally is not None and executor.tally is self.tally
                outcomes = batch.run() if is_fit else []
            except BaseException:
                self.discard(executor, kill=True)
                raise
        if batch.is_going:
            return BatchEnd(outcomes, GoingRun(self, executor, calls[len(outcomes)]))
        self._put_away(executor, batch.why_replace)
        return BatchEnd(outcomes)

    def prepare(self) -> None:
        """Have successors forked for executors that may be worn out before the next call.

        Called about every second, it does not wait: no run should, for a fork.
        """
        if self._preparing is not None and self._preparing.is_alive():
            return
        with self._lock:
            recent, self._recent = self._recent, Counter()
            wanted = [
                (path, self._loaded_files(path))
                for path in recent
                for _ in range(self._lacking(path, recent[path]))
            ]
        if wanted:
            self._preparing = threading.Thread(target=self._warm_all, args=(wanted,), daemon=True)
            self._preparing.start()

    def warm(self, scan_path: str, files: Sequence[str] = ()) -> None:
        """Fork an executor ahead of a run and have it import files; raises ZygoteGoneError."""
        executor = self._fork(scan_path)
        if executor.load(files, self._clock):
            self._keep(executor, is_last_choice=True)
        else:
            self.discard(executor, kill=True)

    def discard(self, executor: ExecutorProcess, *, kill: bool) -> None:
        """Let an executor end, by itself or at once."""
        if kill and executor.exit is None:
            executor.kill(DEATH_SECONDS)
        executor.retire()

    def close(self) -> None:
        """Kill everything; runs that still go end as lost."""
        self._is_closed = True
        with self._zygote_lock:
            zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.stop()
            kill_orphans()
        with self._lock:
            idle = list(self._idle.values())
            self._idle.clear()
        for executor in idle:
            executor.retire()

    @contextmanager
    def _counted(self, calls: Sequence[Call]) -> Iterator[None]:
        """Note that a slot is at work, and on what."""
        with self._lock:
            self._busy += 1
            for call in calls:
                self._recent[call.scan_path] += not call.isolated
            self._most_busy = max(self._most_busy, self._busy)
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1

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
                executor = begun_on or self._take(call)
            except LeaseExpiredError as error:
                if self.lease.wait_valid() and control.asked is None:
                    continue
                return Outcome(status="lost", reason=f"no executor could be started: {error}")
            except (ZygoteGoneError, OSError) as error:
                return Outcome(status="lost", reason=f"no executor could be started: {error}")
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
                self.discard(executor, kill=True)
                raise
            if outcome is not None:
                self._give_back(executor, execution, call)
                return _with_note(outcome, note)
            if execution.answer is not None:
                note = f"executor replaced: {execution.answer['stale']} was changed"
            self.discard(executor, kill=False)
            begun_on = None

    def _lacking(self, scan_path: str, recent_runs: int) -> int:
        """Return how many successors to fork, if the next second brings as many runs."""
        idle = [one for one in self._idle.values() if one.scan_path == scan_path]
        fresh = sum(one.runs == 0 for one in idle)
        worn = sum(one.runs > 0 and one.runs + recent_runs >= self._max_runs for one in idle)
        return min(worn - fresh, self._most_busy - len(self._idle))

    def _loaded_files(self, scan_path: str) -> list[str]:
        """Return what executors that may be worn out soon have loaded: a run should not wait."""
        idle = (one for one in self._idle.values() if one.scan_path == scan_path)
        return list(dict.fromkeys(chain.from_iterable(one.files for one in idle)))

    def _warm_all(self, wanted: Sequence[tuple[str, Sequence[str]]]) -> None:
        with suppress(ZygoteGoneError, OSError):  # the run that needs it tries again, and tells
            for scan_path, files in wanted:
                self.warm(scan_path, files)

    def _take(self, call: Call) -> ExecutorProcess:
        if not self.lease.is_valid():  # a worker that was paused: its executors may not know yet
            raise LeaseExpiredError("the worker's lease has run out")
        if not call.isolated:
            with self._lock:
                for key in reversed(self._idle):  # the one used last is the warmest
                    if self._idle[key].scan_path == call.scan_path:
                        return self._idle.pop(key)
        return self._fork(call.scan_path)

    def _give_back(self, executor: ExecutorProcess, execution: Execution, call: Call) -> None:
        executor.used(call.module_path)
        if executor.exit is not None and executor.exit.is_unknown:
            self._replace_zygote_of(executor)
        if execution.was_forced:
            self.discard(executor, kill=True)
        else:
            why_replace = (execution.answer or {}).get("replace")
            self._put_away(executor, why_replace, is_worn=call.isolated)

    def _put_away(
        self, executor: ExecutorProcess, why_replace: str | None, *, is_worn: bool = False
    ) -> None:
        """Keep an executor for another run, unless it is not fit for one."""
        if executor.exit is not None or executor.is_broken:
            self.discard(executor, kill=True)
        elif why_replace is not None:
            self.discard(executor, kill=why_replace.startswith(LEFT_RUNNING))
        elif is_worn or executor.runs >= self._max_runs:
            self.discard(executor, kill=False)
        else:
            self._keep(executor)

    def _keep(self, executor: ExecutorProcess, *, is_last_choice: bool = False) -> None:
        with self._lock:
            self._idle[id(executor)] = executor
            self._idle.move_to_end(id(executor), last=not is_last_choice)
            surplus = None
            if self._is_closed or len(self._idle) > self._most_busy:
                _, surplus = self._idle.popitem(last=False)
        if surplus is not None:
            self.discard(surplus, kill=False)

    def _fork(self, scan_path: str) -> ExecutorProcess:
        zygote = self._living_zygote()
        try:
            return ExecutorProcess(zygote, scan_path, self._max_rss_bytes, self.tally)
        except ForkRefusedError:
            raise
        except ZygoteGoneError:  # nothing was begun, so one more try with a new one is safe
            zygote.stop()
            return ExecutorProcess(
                self._living_zygote(), scan_path, self._max_rss_bytes, self.tally
            )

    def _replace_zygote_of(self, executor: ExecutorProcess) -> None:
        """Kill what a dead zygote left to us before the verdict lets a retry begin."""
        executor.bury_zygote()
        with suppress(ZygoteGoneError, OSError):
            self._spawned_zygote()

    def _living_zygote(self) -> Zygote:
        zygote = self._spawned_zygote()
        self._wait_ready(zygote)
        return zygote

    def _spawned_zygote(self) -> Zygote:
        """Return a zygote that lives, but may still load: heartbeats and verdicts do not wait."""
        with self._zygote_lock:
            if self._is_closed:
                raise ZygoteGoneError("The worker has stopped")
            if self._zygote is not None and self._zygote.is_alive():
                return self._zygote
            if self._zygote is not None:
                self._zygote.stop()
                kill_orphans()
            zygote = Zygote(preload=self._preload, lease=self.lease)
            zygote.spawn()
            self._zygote = zygote
        # Somebody waits for it, if no run does: one that never gets ready is given up.
        threading.Thread(target=self._attend, args=(zygote,), daemon=True).start()
        return zygote

    def _attend(self, zygote: Zygote) -> None:
        with suppress(ZygoteGoneError):
            self._wait_ready(zygote)

    def _wait_ready(self, zygote: Zygote) -> None:
        with self._ready_lock:  # so that who is not the first finds said what there is to say
            if zygote.wait_ready():
                zygote.ping(self.lease.renewed_at)
                for module, fault in zygote.unloadable.items():
                    event("preload.failed", "warning", module=module, error=fault)


def _with_note(outcome: Outcome, note: str | None) -> Outcome:
    if note is None:
        return outcome
    reason = "; ".join(filter(None, (outcome.reason, note)))
    return dataclasses.replace(outcome, reason=reason)
