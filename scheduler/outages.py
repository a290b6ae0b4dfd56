"""When what could not be used for a while can be used again, that is told as well."""

import threading

from scheduler.clock import Clock, SystemClock
from scheduler.logs import event

CALM_SECONDS = 10.0  # without a failure: on a full disk most things still work


class Outage:
    """Thread-safe. Whether a database or a queue fails at present; its users note how it went.

    `is_on` spares those who succeed the rest, as long as nothing has failed.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.is_on = False
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._began_at = self._failed_at = 0.0
        self._worked_at: float | None = None  # first of all since it failed last

    def note_failure(self) -> None:
        """Begin an outage, or remember that it goes on."""
        with self._lock:
            self._failed_at = self._clock.monotonic()
            if not self.is_on:
                self._began_at = self._failed_at
            self.is_on, self._worked_at = True, None

    def note_success(self, place: str) -> None:
        """End the outage, if there is one and it has been calm since; `place` is what was used."""
        with self._lock:
            now = self._clock.monotonic()
            self._worked_at = now if self._worked_at is None else self._worked_at
            if not self.is_on or now - self._failed_at < CALM_SECONDS:
                return
            self.is_on = False
            lasted_seconds = round(self._worked_at - self._began_at, 1)
        event("outage.over", place=place, lasted_seconds=lasted_seconds)
