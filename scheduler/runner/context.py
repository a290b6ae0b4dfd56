"""`current_run()`: what a function can ask about the run it is in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """The run a function is in; instants are UTC epoch seconds, no time-out: `deadline_at` None."""

    name: str
    run_id: int
    scheduled_for: float
    attempt: int
    trigger: str
    deadline_at: float | None


_current: RunContext | None = None


def current_run() -> RunContext | None:
    """Return the run this process is executing, None outside a run."""
    return _current


def set_current_run(run: RunContext | None) -> None:
    """Declare which run this process is executing; called by the executor around each run."""
    global _current
    _current = run
