"""A duty: something a ticker does at its own pace, whose failure is told and stops nothing else."""

from collections.abc import Callable, Sequence

from scheduler.errors import SchedulerError
from scheduler.logs import event


class Duty:
    """A step that takes `now`, due every so many monotonic seconds, the first time at once.

    On a grid: duties that were due at one instant stay so, and cost one wake-up.
    """

    def __init__(self, name: str, every_seconds: float, step: Callable[[float], None]) -> None:
        self.name = name
        self.next_at = 0.0
        self._every_seconds = every_seconds
        self._step = step

    def run_if_due(self, now: float, monotonic: float) -> None:
        """Do the step if its time has come; log what it could not do."""
        if monotonic < self.next_at:
            return
        self.next_at += self._every_seconds
        if self.next_at <= monotonic:
            self.next_at = monotonic + self._every_seconds
        try:
            self._step(now)
        except SchedulerError as error:
            event("duty.failed", "error", duty=self.name, error=str(error))


def next_duty_at(duties: Sequence[Duty]) -> float:
    """Return the monotonic instant at which the next duty is due."""
    return min(duty.next_at for duty in duties)
