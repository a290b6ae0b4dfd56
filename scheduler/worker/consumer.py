"""Huey's consumer with our stop flag, our slots and nothing else of its own."""

from collections.abc import Callable

from huey.api import Task
from huey.consumer import BaseProcess, Consumer, ConsumerStopped, ThreadEnvironment
from huey.consumer import Worker as HueyWorker

from scheduler.doorbell import SAFETY_NET_SECONDS
from scheduler.errors import QueueUnavailableError, SchedulerError
from scheduler.logs import event
from scheduler.queue import RunQueue
from scheduler.stopping import StopSignal
from scheduler.worker.lookout import Lookout


class RunConsumer(Consumer):  # type: ignore[misc]
    """N thread slots over a queue; `pulse()` is called on time between the signals.

    `pulse` returns the seconds until it wants to be called again; `help_out()` is called in an idle
    slot that another one has called at the lookout, or that several messages have woken.
    """

    def __init__(
        self,
        queue: RunQueue,
        *,
        slots: int,
        lookout: Lookout,
        help_out: Callable[[], None],
        stop: StopSignal,
        pulse: Callable[[], float],
    ) -> None:
        self._stop = stop
        self._pulse = pulse
        self._lookout = lookout
        self._help_out = help_out
        super().__init__(
            queue, workers=slots, periodic=False, check_worker_health=True, worker_type="thread"
        )

    def get_environment(self, worker_type: str) -> ThreadEnvironment:
        return _Environment(self._stop)

    def _create_worker(self) -> "_Slot":
        return _Slot(self.huey, self._stop, self._lookout, self._help_out)

    def _create_scheduler(self) -> "_NoScheduler":
        return _NoScheduler(self.huey, self._stop)

    def _set_signal_handlers(self) -> None:
        """The stop signal has been installed as the first thing in the process."""

    def loop(self, health_check_ts: float | None = None) -> float | None:
        """Wait for a stop request; meanwhile beat, and replace slots that died."""
        if self._stop.wait(self._pulse()):
            raise ConsumerStopped
        self._replace_dead_slots()
        return health_check_ts

    def _replace_dead_slots(self) -> None:
        """Each by itself: Huey's own way forgets those it has begun if it cannot begin all."""
        for index, (_, thread) in enumerate(self.worker_threads):
            if thread.is_alive():
                continue
            slot = self._create_worker()
            thread = self._create_process(slot, f"Worker-{index + 1}")
            try:
                thread.start()
            except RuntimeError as error:  # the system gives no thread: tried again soon
                event("slot.unstarted", "error", error=str(error))
                return
            event("slot.replaced", "warning")
            self.worker_threads[index] = (slot, thread)

    def wait_idle(self, seconds: float) -> bool:
        """Wait, after a stop request, for all slots to end; return whether they have."""
        for _, thread in self.worker_threads:
            thread.join(seconds)
            if thread.is_alive():
                return False
        return True


class _Environment(ThreadEnvironment):  # type: ignore[misc]
    """Threads that poll one pipe to be stopped."""

    def __init__(self, stop: StopSignal) -> None:
        super().__init__()
        self._stop = stop

    def get_stop_flag(self) -> StopSignal:
        return self._stop


class _Slot(HueyWorker):  # type: ignore[misc]
    """One slot: wait for a message and execute it, or what waits or is claimed already."""

    def __init__(
        self, queue: RunQueue, stop: StopSignal, lookout: Lookout, help_out: Callable[[], None]
    ) -> None:
        super().__init__(queue, stop, default_delay=0.1, max_delay=1.0, backoff=1.0)
        self._lookout = lookout
        self._help_out = help_out

    def loop(self, now: object = None) -> None:
        try:
            task = self._lookout.next_task()
        except QueueUnavailableError as error:
            event("queue.unreadable", level="error", error=str(error))
            self.stop_flag.wait(SAFETY_NET_SECONDS)
            return
        if self.stop_flag.is_set():
            if task is not None:
                self._put_back(task)
            return
        try:
            if task is None:
                self._help_out()
            else:
                self.huey.execute(task)
        except SchedulerError as error:
            event("slot.failed", level="error", task=task and task.id, error=str(error))
            self.stop_flag.wait(SAFETY_NET_SECONDS)

    def _put_back(self, task: Task) -> None:
        """Leave to others what came out of the queue while this worker was told to stop."""
        try:
            self.huey.send_now([(task.args[0], 0)])
        except QueueUnavailableError as error:
            event("queue.unreadable", level="error", error=str(error))  # it will be sent again


class _NoScheduler(BaseProcess):  # type: ignore[misc]
    """In place of Huey's scheduler, which would poll for tasks that we never schedule there."""

    def loop(self, now: object = None) -> None:
        self.stop_flag.wait()
