"""The only place that reads the time or sleeps; everything else is given a clock."""

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


class SystemClock:
    """The machine's clocks; monotonic seconds stand still while it sleeps."""

    monotonic_id = time.CLOCK_MONOTONIC  # by which the kernel knows it

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class SleepCountingClock(SystemClock):
    """One whose monotonic seconds go on while the machine sleeps, as those of other machines do."""

    monotonic_id = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

    def monotonic(self) -> float:
        return time.clock_gettime(self.monotonic_id)


wall_time = time.time  # for what runs beside user code, which may patch the module


def sleep(seconds: float) -> None:
    """Sleep without a way to be woken; only for waiting on foreign resources to come back."""
    time.sleep(seconds)


def round_ms(instant: float) -> float:
    """Round an instant to whole milliseconds, the precision of a slot."""
    return round(instant * 1000) / 1000


def utc(instant: float) -> datetime:
    """Turn epoch seconds into an aware datetime in UTC."""
    return datetime.fromtimestamp(instant, UTC)
