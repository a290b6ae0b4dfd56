"""How a worker stops: finish what runs, terminate, kill; heartbeats go on until the end."""

from scheduler.clock import Clock
from scheduler.db.finishes import CUT_OFF
from scheduler.logs import event
from scheduler.stopping import CUT_OFF_SECONDS, HURRIED_GRACE_SECONDS, StopSignal
from scheduler.worker.consumer import RunConsumer
from scheduler.worker.pulse import Pulse
from scheduler.worker.slot import Slots

STEP_SECONDS = 0.2
_LEFT = "it, or the writing of what became of it, was not over in time: others will find it lost"


class Drain:
    """The order and the deadlines of a stop; the slots take nothing new once the flag is set."""

    def __init__(
        self,
        *,
        consumer: RunConsumer,
        slots: Slots,
        pulse: Pulse,
        stop: StopSignal,
        clock: Clock,
    ) -> None:
        self._consumer = consumer
        self._slots = slots
        self._pulse = pulse
        self._stop = stop
        self._clock = clock

    def run(self, grace_seconds: float) -> None:
        """Wait for the running functions, then cut them off; a second signal skips the wait."""
        if awaited := self._slots.busy:
            event("worker.draining", runs=awaited, grace_seconds=grace_seconds)
        if self._wait_for_slots(grace_seconds):
            return
        reason = (
            f"{CUT_OFF} by a second stop signal"
            if self._stop.is_hurried()
            else f"{CUT_OFF}: the worker stopped and its grace of {grace_seconds:g} s was over"
        )
        for run_id, control in self._slots.controls().items():
            event("run.cut_off", level="warning", run_id=run_id)
            control.cut_off(reason)
            if self._stop.is_hurried():
                control.kill_in(HURRIED_GRACE_SECONDS)
        if not self._wait_for_slots(CUT_OFF_SECONDS, is_hasty=True):
            for run_id in self._slots.controls():
                event("run.left", "error", run_id=run_id, reason=_LEFT)

    def _wait_for_slots(self, seconds: float, *, is_hasty: bool = False) -> bool:
        until = self._clock.monotonic() + seconds
        while not self._consumer.wait_idle(STEP_SECONDS):
            is_told_to_hurry = self._stop.is_hurried() and not is_hasty
            if is_told_to_hurry or self._clock.monotonic() >= until:
                return False
            self._pulse()
        return True
