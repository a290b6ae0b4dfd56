"""One run on one executor, from the call to the end: pumps output, enforces the end, listens."""

from collections.abc import Callable
from signal import SIGTERM
from typing import Any

from scheduler.clock import Clock
from scheduler.executor.answers import is_verdict
from scheduler.executor.call import Call, Outcome, message_of
from scheduler.executor.control import Asked, RunControl
from scheduler.executor.output import Output, drain
from scheduler.executor.process import ExecutorProcess
from scheduler.executor.stack import StackDump
from scheduler.executor.verdict import Ending, decide

FLUSH_SECONDS = 1.0  # how often the output so far is handed on
DEATH_SECONDS = 5.0  # how long a killed process may take; longer means it hangs in the kernel


class Execution:
    """Blocks the slot's thread in `run`; other threads reach it through the RunControl."""

    def __init__(
        self,
        executor: ExecutorProcess,
        call: Call,
        control: RunControl,
        *,
        on_output: Callable[[str, int], None],
        meanwhile: Callable[[], None],
        grace_seconds: float,
        clock: Clock,
    ) -> None:
        self._executor = executor
        self._call = call
        self._control = control
        self._on_output = on_output
        self._meanwhile = meanwhile
        self._grace_seconds = grace_seconds
        self._clock = clock
        self._output = Output(call.output_limit_bytes)
        self._stack = StackDump(executor, clock)
        self._asked: Asked | None = None
        self._is_told = False  # the process, to end
        self._deadline: float | None = None
        self._kill_at: float | None = None
        self._flush_at: float | None = None
        self._is_output_read = False
        self.answer: dict[str, Any] | None = None

    def run(self, *, is_sent: bool = False) -> Outcome | None:
        """Return the outcome; None if the executor refused before it began (gone or stale).

        is_sent: the executor has the call already, as one of a batch.
        """
        executor = self._executor
        has_requests = self._control.attach(executor.wake_fd)
        try:
            if not is_sent and not executor.send(message_of(self._call)):
                return None
            if self._call.timeout_seconds is not None:
                self._deadline = self._clock.monotonic() + self._call.timeout_seconds
            if has_requests:
                self._listen()
            self._meanwhile()
            self._wait()
            if self.answer is not None and "stale" in self.answer:
                return None
            return self._finish()
        finally:
            self._control.detach()
            self._answer_last_requests()

    @property
    def was_forced(self) -> bool:
        """Whether the end was asked for, so that the executor is not fit for another run."""
        return self._asked is not None

    def _wait(self) -> None:
        executor = self._executor
        while self.answer is None and executor.exit is None:
            ready = executor.poll(self._patience())
            # The control channel is looked at first: what was printed before an answer shows too.
            self._is_output_read = executor.control_fd in ready and executor.output_fd not in ready
            if executor.output_fd in ready:
                self._pump()
            if executor.control_fd in ready:
                self.answer = self._read_answer()
            if executor.stack_fd in ready:
                self._stack.read()
            if executor.woken_fd in ready:
                executor.drain_wakes()
                self._listen()
            if executor.exit_fd in ready and executor.wait_exit(0) is not None:
                self.answer = self.answer or self._read_answer()
            elif self.answer is None:
                self._keep_time()

    def _read_answer(self) -> dict[str, Any] | None:
        """Return the answer if it is there; not that of a stem to the run before, come too late."""
        for answer in self._executor.read_answers():
            if self._is_mine(answer):
                return answer
            if not self._executor.isolates:
                self._executor.is_broken = True  # nobody has asked: the user's code wrote that
        return None

    def _is_mine(self, answer: dict[str, Any]) -> bool:
        if not self._executor.isolates:
            return is_verdict(answer) and answer.get("run_id") == self._call.run_id
        # A stem refuses nothing, but may tell of one that died before it had looked at its call.
        mine = {self._call.run_id} | ({None} if answer.get("ended") == "died" else set())
        return "ended" in answer and answer.get("run_id") in mine

    def _patience(self) -> float | None:
        """Return the seconds until something is to be done without being woken."""
        moments = (self._deadline, self._kill_at, self._flush_at, self._stack.due_at)
        waiting = [moment for moment in moments if moment is not None]
        return min(waiting) - self._clock.monotonic() if waiting else None

    def _answer_last_requests(self) -> None:
        for on_stack in self._control.take_stack_requests():
            self._stack.request(on_stack)
        self._stack.give_up()

    def _keep_time(self) -> None:
        if self._patience() is None:
            return
        now = self._clock.monotonic()
        if self._deadline is not None and now >= self._deadline:
            self._end(Asked("timeout", f"it ran longer than {self._call.timeout_seconds:g} s"))
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = None
            self._executor.child.kill()
        if self._flush_at is not None and now >= self._flush_at:
            self._flush_at = None
            self._on_output(self._output.text() or "", self._output.total_bytes)
        self._stack.keep_time(now)
        self._tell()

    def _listen(self) -> None:
        for on_stack in self._control.take_stack_requests():
            self._stack.request(on_stack)
        if self._control.asked is not None:
            self._end(self._control.asked)
        if (seconds := self._control.kill_in_seconds) is not None and self._kill_at is not None:
            self._kill_at = min(self._kill_at, self._clock.monotonic() + seconds)

    def _end(self, asked: Asked) -> None:
        """Ask the run to end, once; the first who asks decides the verdict."""
        self._deadline = None
        if self._asked is not None:
            return
        self._asked = asked
        self._stack.request(None)  # where it is now explains a time-out best
        self._stack.keep_time(self._clock.monotonic())  # not where it is when it cleans up
        self._kill_at = self._clock.monotonic() + self._grace_seconds
        self._tell()

    def _tell(self) -> None:
        """Send SIGTERM, once, and not before the process listens: a newborn one would lose it."""
        if self._asked is not None and not self._is_told and self._executor.is_ready:
            self._is_told = True
            self._executor.child.kill(SIGTERM)

    def _pump(self) -> None:
        chunk = self._executor.read_output()
        self._output.add(chunk)
        if chunk and self._flush_at is None:
            self._flush_at = self._clock.monotonic() + FLUSH_SECONDS

    def _finish(self) -> Outcome:
        executor, cpu_before = self._executor, self._executor.cpu_total_seconds
        if self.answer is None or self._asked is not None:
            executor.kill(DEATH_SECONDS)
        else:
            executor.cpu_total_seconds = self.answer["cpu_total_seconds"]
        if self.answer is None or not self._is_output_read:
            drain(executor, self._output, self._clock)
        return decide(
            Ending(
                asked=self._asked,
                answer=self.answer,
                exit=executor.exit,
                stack=self._stack.text(),
                output=self._output.text(),
                output_bytes=self._output.total_bytes,
                cpu_before_seconds=cpu_before,
            )
        )
