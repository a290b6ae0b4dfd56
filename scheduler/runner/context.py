"""What a function can know of the run it is in: `current_run()`, and that it is to end."""

from typing import NamedTuple


class RunContext(NamedTuple):  # not a dataclass, which takes long to load: see ScheduleSpec
    """The run a function is in; instants are UTC epoch seconds, no time-out: `deadline_at` None."""

    name: str
    run_id: int
    scheduled_for: float
    attempt: int
    trigger: str
    deadline_at: float | None


class RunTerminated(BaseException):
    """The run is over: its time-out passed, it was cancelled, or the service stops. Clean up."""

    __module__ = "scheduler"  # where people import it from; tracebacks name it so


_current: RunContext | None = None


def current_run() -> RunContext | None:
    """Return the run this process is executing, None outside a run."""
    return _current


def set_current_run(run: RunContext | None) -> None:
    """Declare which run this process is executing; called by the executor around each run."""
    global _current
    _current = run
