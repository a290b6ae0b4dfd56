"""A run in a slot."""

from dataclasses import dataclass, field

from scheduler.db.claims import ClaimedRun
from scheduler.db.runs import record_output
from scheduler.errors import DatabaseUnavailableError
from scheduler.executor.control import RunControl
from scheduler.logs import event
from scheduler.runner.tally import Tally


@dataclass(slots=True)
class Held:
    """A run in a slot, from before its start until after its verdict."""

    run_id: int
    worker_id: str
    supplied: ClaimedRun | None = None  # claimed before, with others
    tally: Tally | None = None  # in which it has its place, if it is one of a batch
    cell: int = 0
    turn: int = 0
    batch_started_at: float = 0.0
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
