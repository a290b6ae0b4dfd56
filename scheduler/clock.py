"""The only place that reads the time or sleeps; everything else takes a clock from here."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the scheduler needs to know of time; `scheduler.testing.SettableClock` is its twin."""

    def now(self) -> float:
        """Return the wall time in UTC epoch seconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go backwards, from an unknown start."""
        ...

    def sleep_until(self, instant: float, *, at_most_seconds: float) -> None:
        """Sleep until a wall time; should the clock be set back meanwhile, not longer than that."""
        ...


class SystemClock:
    """The machine's clocks; monotonic seconds stand still while it sleeps."""

    monotonic_id = time.CLOCK_MONOTONIC  # by which the kernel knows it

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep_until(self, instant: float, *, at_most_seconds: float) -> None:
        until = time.monotonic() + at_most_seconds
        while (seconds := min(instant - time.time(), until - time.monotonic())) > 0:
            time.sleep(seconds)


class SleepCountingClock(SystemClock):
    """One whose monotonic seconds go on while the machine sleeps, as those of other machines do."""

    monotonic_id = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

    def monotonic(self) -> float:
        return time.clock_gettime(self.monotonic_id)


# For what runs beside user code, which may patch the module.
wall_time, monotonic_time = time.time, time.monotonic


def sleep(seconds: float) -> None:
    """Sleep without a way to be woken, for what nothing can wake."""
    time.sleep(seconds)


def round_ms(instant: float) -> float:
    """Round an instant to whole milliseconds, the precision of a slot."""
    return round(instant * 1000) / 1000


def utc(instant: float) -> datetime:
    """Turn epoch seconds into an aware datetime in UTC."""
    return datetime.fromtimestamp(instant, UTC)
