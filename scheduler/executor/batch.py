"""Several short runs on one executor, one after another, in one exchange.

Meanwhile nobody listens to them: output, requests, time-outs and deaths are the business of an
`Execution`, to which the run that takes longer is handed on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from scheduler.clock import Clock
from scheduler.crashpoints import crash_point
from scheduler.executor.answers import is_verdict
from scheduler.executor.call import Call, Outcome, message_of
from scheduler.executor.control import RunControl
from scheduler.executor.output import Output, drain
from scheduler.executor.process import ExecutorProcess
from scheduler.executor.verdict import Ending, decide


@dataclass(frozen=True, slots=True)
class GoingRun:
    """A run of a batch that takes longer: `wait` for it, or `abandon` it, one of the two.

    wait(control, on_output): waits for its end as `ExecutorPool.run` does.
    abandon(): kills it; it has no outcome.
    """

    wait: Callable[[RunControl, Callable[[str, int], None]], Outcome]
    abandon: Callable[[], None]


@dataclass(frozen=True, slots=True)
class BatchEnd:
    """What became of a batch: the outcomes of its first calls; then one may be `going` still.

    All others have not begun, and do not begin any more.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    going: GoingRun | None = None


class Batch:
    """Blocks the slot's thread in `run`, for a moment."""

    def __init__(
        self,
        executor: ExecutorProcess,
        calls: Sequence[Call],
        *,
        cell: int,
        turns: Sequence[int],
        meanwhile: Callable[[], None],
        patience_seconds: float,
        clock: Clock,
    ) -> None:
        self._executor = executor
        self._calls = calls
        self._cell = cell
        self._turns = turns
        self._meanwhile = meanwhile
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._begun = 0
        self._is_refused = False
        self.answers: list[dict[str, Any]] = []

    def run(self) -> list[Outcome]:
        """Return the outcomes of the first calls; see `is_going` for the next, no other began.

        Waits for what `meanwhile` does, and until its patience is over.
        """
        executor = self._executor
        messages = [
            {**message_of(call), "turn": turn}
            for call, turn in zip(self._calls, self._turns, strict=True)
        ]
        if not executor.send_batch(messages, self._cell):
            self._is_refused = True
            return []
        crash_point("batch.sent")
        until = self._clock.monotonic() + self._patience_seconds
        self._meanwhile()
        executor.wait_batch(until - self._clock.monotonic())
        self._read()
        self._begun = len(self._calls)
        if len(self.answers) < self._begun:
            self._begun -= executor.turns.take_back()
            self._read()
        if self._is_refused:
            self._begun = len(self.answers)
        executor.runs += self._begun
        crash_point("batch.ended")
        return self._outcomes()

    @property
    def is_going(self) -> bool:
        """Whether the call after those that were answered has begun."""
        return self._begun > len(self.answers)

    @property
    def why_replace(self) -> str | None:
        """Why the executor is not fit for another run, None if it is."""
        if self._is_refused:
            return "it refused a call"
        return self.answers[-1].get("replace") if self.answers else None

    def _read(self) -> None:
        for answer in self._executor.read_answers():
            expected = [call.run_id for call in self._calls[len(self.answers) :][:1]]
            if not is_verdict(answer) or [answer.get("run_id")] != expected:
                self._executor.is_broken = True  # an answer before this one was spoilt
            elif "stale" in answer:  # it refused before it began
                self._is_refused = True
            else:
                self.answers.append(answer)

    def _outcomes(self) -> list[Outcome]:
        outcomes = []
        for call, answer in zip(self._calls, self.answers, strict=False):
            self._executor.cpu_total_seconds = answer["cpu_total_seconds"]
            self._executor.used(call.module_path)
            outcomes.append(decide(Ending(answer=answer)))
        if outcomes and not self.is_going:  # a run that has printed is the last of its batch
            output = Output(self._calls[len(outcomes) - 1].output_limit_bytes)
            drain(self._executor, output, self._clock)
            if output.total_bytes:
                outcomes[-1] = outcomes[-1]._replace(
                    output=output.text(), output_bytes=output.total_bytes
                )
        return outcomes
