"""The lookout of a worker's slots: one idle slot waits for messages, the others behind it."""

import threading

from huey.api import Task

from scheduler.doorbell import SAFETY_NET_SECONDS
from scheduler.executor.lease import Lease
from scheduler.queue import RunQueue
from scheduler.stopping import StopSignal

UNRUNG_SECONDS = 10.0


class Lookout:
    """Shared by the slots of a worker: thread-safe.

    Whoever gets a message, or is rung for several times at once, leaves the lookout to the next: so
    a ring wakes one slot. Where the doorbell works it looks seldom by itself: the pulse, awake once
    a second, rings for what waits. A slot that has claimed more than it needs calls the next one.
    Without a valid `lease` it looks for none: a worker that was stopped may have been declared
    dead, whose claims are refused.
    """

    def __init__(
        self,
        queue: RunQueue,
        stop: StopSignal,
        lease: Lease,
        *,
        unrung_seconds: float = UNRUNG_SECONDS,
    ) -> None:
        self._queue = queue
        self._lease = lease
        self._stop = stop
        self._unrung_seconds = unrung_seconds
        self._post = threading.Lock()  # held by the slot that looks out
        self._count = threading.Lock()
        self._idle = 0
        self._called = 0
        self._was_woken = False

    @property
    def idle(self) -> int:
        """How many slots come when they are called; who waits in a server's queue does not."""
        return 0 if self._queue.doorbell is None else self._idle

    def call(self) -> None:
        """Have an idle slot come without a message; if none is, the next one that would wait."""
        with self._count:
            if self._queue.doorbell is None or self._called >= max(1, self._idle):
                return
            self._called += 1
        self._queue.doorbell.wake()

    def next_task(self) -> Task | None:
        """Return the next message, None when several have rung, when called, or told to stop.

        Raises QueueUnavailableError.
        """
        with self._count:
            self._idle += 1
        try:
            with self._post:
                task = self._look()
        finally:
            with self._count:
                self._idle -= 1
        if self._idle == 0:
            self._pass_baton()
        return task

    def _look(self) -> Task | None:
        doorbell = self._queue.doorbell
        while not (self._stop.is_set() or self._answer_call()):
            if not self._lease.wait_valid(self._stop.is_set):
                return None
            task = self._queue.dequeue()
            if task is not None:
                return task
            if doorbell is not None:
                seconds = self._unrung_seconds if doorbell.works else SAFETY_NET_SECONDS
                self._was_woken = doorbell.wait(self._stop.fd, seconds)
                if doorbell.rings > 1:
                    return None  # to take them together costs no more than to take the first
        return None

    def _answer_call(self) -> bool:
        with self._count:
            is_called = self._called > 0
            self._called -= is_called
        return is_called

    def _pass_baton(self) -> None:
        """Ring for other workers: we took all rings, and there may be more messages than ours."""
        if self._was_woken and self._queue.doorbell is not None:
            self._was_woken = False
            self._queue.doorbell.ring()
