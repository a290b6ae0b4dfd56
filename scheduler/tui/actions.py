"""What the console can change: requests to the service, each answered in one short sentence."""

from typing import TYPE_CHECKING, Protocol

from scheduler.config import Config
from scheduler.db.console_rows import FunctionRow, RunRow
from scheduler.errors import SchedulerError

if TYPE_CHECKING:
    from scheduler.maintenance.requests import Requested, Requests


class Actions(Protocol):
    """The requests of `scheduler.maintenance.requests`; each may raise SchedulerError."""

    def request_run(
        self, name: str, *, force: bool = False, slot: float | None = None
    ) -> "Requested": ...
    def pause(self, name: str) -> bool: ...
    def resume(self, name: str) -> bool: ...
    def cancel(self, run_id: int) -> str: ...
    def request_stack(self, run_id: int) -> bool: ...


def run_now(actions: Actions, function: FunctionRow) -> str:
    """Queue a run of a function."""
    _demand_present(function)
    run_id, fault = actions.request_run(function.name)
    return _queued(f"run {run_id} of {function.name}", fault)


def run_again(actions: Actions, function: FunctionRow, run: RunRow) -> str:
    """Queue another run of a function for the slot of one of its runs."""
    _demand_present(function)
    run_id, fault = actions.request_run(function.name, slot=run.scheduled_for)
    return _queued(f"run {run_id} of {function.name} for the slot of run {run.id}", fault)


def toggle_pause(actions: Actions, function: FunctionRow) -> str:
    """Pause an active function or resume a paused one."""
    _demand_present(function)
    if function.state == "paused":
        did = actions.resume(function.name)
        return f"resumed {function.name}" if did else f"{function.name} was not paused"
    did = actions.pause(function.name)
    return f"paused {function.name}" if did else f"{function.name} was paused already"


def cancel(actions: Actions, run: RunRow) -> str:
    """Cancel a queued or running run."""
    answers = {"withdrawn": "cancelled", "requested": "asked to stop:"}
    answer = actions.cancel(run.id)
    return f"{answers.get(answer, f'too late, {answer}:')} run {run.id}"


def ask_stack(actions: Actions, run: RunRow) -> str:
    """Ask for the stack of a running run."""
    did = actions.request_stack(run.id)
    return f"asked run {run.id} where it is" if did else f"run {run.id} does not run"


def _demand_present(function: FunctionRow) -> None:
    if function.state == "gone":
        raise SchedulerError(f"{function.name} is gone: put it back into its file first")


def _queued(what: str, fault: str | None) -> str:
    return f"queued {what}" if fault is None else f"queued {what}, it waits: {fault}"


class ServiceActions:
    """Requests to the real service; the queue's library and the connection come with the first."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def request_run(
        self, name: str, *, force: bool = False, slot: float | None = None
    ) -> "Requested":
        """See `Requests.request_run`."""
        return self._requests().request_run(name, force=force, slot=slot)

    def pause(self, name: str) -> bool:
        """See `Requests.pause`."""
        return self._requests().pause(name)

    def resume(self, name: str) -> bool:
        """See `Requests.resume`."""
        return self._requests().resume(name)

    def cancel(self, run_id: int) -> str:
        """See `Requests.cancel`."""
        return self._requests().cancel(run_id)

    def request_stack(self, run_id: int) -> bool:
        """See `Requests.request_stack`."""
        return self._requests().request_stack(run_id)

    def _requests(self) -> "Requests":
        from scheduler.db.schema import open_existing
        from scheduler.logs import mute_logging
        from scheduler.maintenance.requests import Requests
        from scheduler.models import database

        mute_logging()  # a line of the log would stand across the screen
        if database.obj is None or database.is_closed():
            open_existing(self._config)
        return Requests(self._config)
