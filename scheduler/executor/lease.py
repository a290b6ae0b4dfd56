"""The lease of a worker: until when nobody can have declared it dead, so that it may run code."""

import threading
from collections.abc import Callable
from math import inf

from scheduler.clock import Clock, SleepCountingClock

_STEP_SECONDS = 0.2
FUSE_SHARE = 1.25  # of the lease: a zygote that has not acted by then is stopped


class Lease:
    """Renewed after each committed heartbeat; thread-safe. Instants are monotonic seconds.

    They mean the same in all processes of a machine, so that a zygote started meanwhile continues
    the lease instead of beginning one. `seconds`: how long it lasts; None = for ever.
    """

    def __init__(
        self, seconds: float | None, clock: Clock, *, renewed_at: float | None = None
    ) -> None:
        self.seconds = seconds
        self.renewed_at = clock.monotonic() if renewed_at is None else renewed_at
        self._clock = clock
        self._renewed = threading.Condition()

    @property
    def counts_sleep(self) -> bool:
        """Whether it runs out while the machine sleeps, because others may be awake."""
        return isinstance(self._clock, SleepCountingClock)

    def now(self) -> float:
        """Return the instant to renew it from, once a heartbeat that begins now is committed."""
        return self._clock.monotonic()

    def renew(self, at: float) -> None:
        """Let it last from an instant, which lies before the heartbeat that allows it."""
        with self._renewed:
            self.renewed_at = max(self.renewed_at, at)
            self._renewed.notify_all()

    def is_valid(self) -> bool:
        """Tell whether user code may run now."""
        return self.remaining_seconds() > 0

    def remaining_seconds(self) -> float:
        """Return how long it still lasts, 0.0 or less when it has run out."""
        if self.seconds is None:
            return inf
        return self.renewed_at + self.seconds - self._clock.monotonic()

    def fuse_at(self) -> float:
        """Return when user code must be dead at the latest, whoever has to be killed for it."""
        return inf if self.seconds is None else self.renewed_at + FUSE_SHARE * self.seconds

    def wait_valid(self, is_given_up: Callable[[], bool]) -> bool:
        """Wait for a heartbeat that is only late; False if waiting is given up meanwhile."""
        with self._renewed:
            while not is_given_up():
                if self._renewed.wait_for(self.is_valid, _STEP_SECONDS):
                    return True
        return False
