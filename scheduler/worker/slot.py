"""What a slot does with a message: claim, start, execute, finish, then the next one."""

import threading
from collections.abc import Callable
from functools import partial

from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.crashpoints import crash_point
from scheduler.db.claims import ClaimedRun, claim_and_start
from scheduler.db.finishes import Finished, finish
from scheduler.db.runs import record_output
from scheduler.doorbell import Doorbell
from scheduler.errors import DatabaseUnavailableError
from scheduler.executor import Call, ExecutorPool, Outcome, RunControl
from scheduler.logs import event
from scheduler.queue import RunQueue
from scheduler.stopping import StopSignal

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
        ticker_bell: Doorbell,
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
        self._controls: dict[int, RunControl] = {}
        self.worker_id = ""

    def execute(self, run_id: int) -> None:
        """Run one queued attempt to its verdict; do nothing if it is not to be run (any more)."""
        crash_point("slot.dequeued")
        control = RunControl()
        with self._lock:
            if run_id in self._controls:
                return  # a second message for a run that a slot of this worker holds already
            self._controls[run_id] = control
        try:
            self._claim_and_run(run_id, control)
        finally:
            with self._lock:
                del self._controls[run_id]

    def controls(self) -> dict[int, RunControl]:
        """Return the controls of the runs that are in a slot now, by run id."""
        with self._lock:
            return dict(self._controls)

    def _claim_and_run(self, run_id: int, control: RunControl) -> None:
        worker_id = self.worker_id
        run, released = claim_and_start(run_id, worker_id, self._clock.now())
        self._queue.send(released)
        if run is None:
            return
        crash_point("slot.started")
        event("run.started", level="debug", run_id=run.id, function=run.name)
        outcome = self._pool.run(self._call(run), control, partial(_show_output, run.id))
        crash_point("slot.ended")
        self._write_verdict(run, outcome, worker_id)

    def _call(self, run: ClaimedRun) -> Call:
        return Call(
            run_id=run.id,
            name=run.name,
            scan_path=run.scan_path,
            module_path=run.module_path,
            qualname=run.qualname,
            scheduled_for=run.scheduled_for,
            attempt=run.attempt,
            trigger=run.trigger,
            timeout_seconds=run.timeout_seconds or self._config.default_timeout_seconds or None,
            isolated=bool(run.isolated),
            output_limit_bytes=self._config.output_limit_kb * 1024,
        )

    def _write_verdict(self, run: ClaimedRun, outcome: Outcome, worker_id: str) -> None:
        finished = self._insist(lambda: finish(run, outcome, worker_id, self._clock.now()), run)
        crash_point("slot.finished")
        if finished is None or not finished.is_accepted:
            event("run.refused", level="warning", run_id=run.id, function=run.name)
            return
        self._queue.send(finished.messages)
        if finished.retry_at is not None:
            self._ticker_bell.ring()
        level = "info" if outcome.status == "success" else "warning"
        event(
            "run.finished",
            level=level,
            run_id=run.id,
            function=run.name,
            status=outcome.status,
            attempt=run.attempt,
            error=outcome.error_message or outcome.reason,
        )

    def _insist(self, write: Callable[[], Finished], run: ClaimedRun) -> Finished | None:
        """Try until the verdict is written; the slot takes nothing new meanwhile.

        None if the service is told to hurry: then others find the row and reap it.
        """
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            try:
                return write()
            except DatabaseUnavailableError as error:
                event("run.unwritten", level="error", run_id=run.id, error=str(error))
            if self._stop.wait_hurry(backoff):
                return None
            backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)


def _show_output(run_id: int, output: str, output_bytes: int) -> None:
    """Write live output; that it could not be shown is no reason to end the run."""
    try:
        record_output(run_id, output, output_bytes)
    except DatabaseUnavailableError as error:
        event("run.output_unwritten", "warning", run_id=run_id, error=str(error))
