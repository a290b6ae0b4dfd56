"""The arithmetic of a schedule: given an instant, the slots before and after it.

Instants are UTC epoch seconds; slots are whole milliseconds, so that equality is exact.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from math import floor
from typing import Protocol

from scheduler.clock import round_ms
from scheduler.cron import CronCalendar, calendar, time_zone
from scheduler.errors import ScheduleError

JUST_BEFORE = 0.0005  # seconds: less than the distance of any two slots


class Trigger(Hashable, Protocol):
    """A grid of slots. Ranges include both ends."""

    def next_after(self, at: float) -> float | None:
        """Return the first slot strictly after `at`, None when there is none in 50 years."""
        ...

    def latest_until(self, at: float) -> float | None:
        """Return the latest slot at or before `at`, None when there is none."""
        ...

    def count(self, first: float, last: float) -> int:
        """Return how many slots lie in [first, last], without walking over them."""
        ...

    def newest(self, n: int, first: float, last: float) -> list[float]:
        """Return the newest `n` slots in [first, last], ascending."""
        ...

    def between(self, first: float, last: float) -> Iterator[float]:
        """Yield the slots in [first, last], ascending, one at a time."""
        ...


@dataclass(frozen=True, slots=True)
class IntervalTrigger:
    """Every `interval_seconds` from `anchor_at` on; nothing before it.

    Slot k is computed from the anchor, never from slot k-1: a sum of rounded steps drifts by 86 s
    a day at an interval of 1/3 s.
    """

    interval_seconds: float
    anchor_at: float

    def next_after(self, at: float) -> float:
        return self._slot(max(self._index_until(at) + 1, 0))

    def latest_until(self, at: float) -> float | None:
        index = self._index_until(at)
        return None if index < 0 else self._slot(index)

    def count(self, first: float, last: float) -> int:
        return len(self._indexes(first, last))

    def newest(self, n: int, first: float, last: float) -> list[float]:
        return [self._slot(index) for index in self._indexes(first, last)[-n:]] if n > 0 else []

    def between(self, first: float, last: float) -> Iterator[float]:
        return map(self._slot, self._indexes(first, last))

    def _indexes(self, first: float, last: float) -> range:
        """Return the indexes of the slots in [first, last]."""
        index = self._index_until(first)
        start = index if self._slot(index) == first else index + 1
        return range(max(start, 0), self._index_until(last) + 1)

    def _index_until(self, at: float) -> int:
        """Return the index of the latest slot at or before `at`; negative before the anchor."""
        index = floor((at - self.anchor_at) / self.interval_seconds)
        # Division and rounding to milliseconds may each be off by one slot.
        while self._slot(index) > at:
            index -= 1
        while self._slot(index + 1) <= at:
            index += 1
        return index

    def _slot(self, index: int) -> float:
        return round_ms(self.anchor_at + index * self.interval_seconds)


@dataclass(frozen=True, slots=True)
class CronTrigger:
    """The fire times of a cron expression (five fields, or six with seconds) in a time zone.

    Raises ScheduleError naming `cron` or `timezone` when one of them is wrong. The work of `count`
    grows with the days in the range, not with the slots: a decade costs some 20 ms.
    """

    expression: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        calendar(self.expression, self.timezone)

    def next_after(self, at: float) -> float | None:
        for day in self._calendar.days_around(at):
            if slots := day.slots(index := day.until(at), index + 1):
                return slots[0]
        return None

    def latest_until(self, at: float) -> float | None:
        for day in self._calendar.days_around(at, step=-1):
            if index := day.until(at):
                return day.slots(index - 1, index)[0]
        return None

    def count(self, first: float, last: float) -> int:
        days = map(self._calendar.day, self._days(first, last))
        return sum(day.until(last) - day.before(first) for day in days) if first <= last else 0

    def newest(self, n: int, first: float, last: float) -> list[float]:
        found: list[float] = []
        for number in self._days(first, last, is_reversed=True):
            day = self._calendar.day(number)
            start, stop = day.before(first), day.until(last)
            found[:0] = day.slots(max(start, stop - (n - len(found))), stop)
            if len(found) >= n:
                break
        return found

    def between(self, first: float, last: float) -> Iterator[float]:
        for number in self._days(first, last):
            day = self._calendar.day(number)
            yield from day.slots(day.before(first), day.until(last))

    @property
    def _calendar(self) -> CronCalendar:
        return calendar(self.expression, self.timezone)

    def _days(self, first: float, last: float, *, is_reversed: bool = False) -> Iterator[int]:
        """Yield the matching days that may have slots in [first, last]."""
        start, stop = self._calendar.local_day(first) - 1, self._calendar.local_day(last) + 1
        if is_reversed:
            return self._calendar.days(stop - 1, start - 1, -1)
        return self._calendar.days(start, stop)


@lru_cache(maxsize=4096)
def build_trigger(
    *,
    interval_seconds: float | None,
    anchor_at: float | None,
    cron: str | None,
    timezone: str | None,
) -> Trigger:
    """Return the trigger of a function's columns; `timezone` None means UTC.

    Raises ScheduleError when the columns are not a schedule.
    """
    if cron is not None:
        return CronTrigger(cron, timezone or "UTC")
    if interval_seconds is None or anchor_at is None:
        raise ScheduleError("interval: a schedule needs an interval and its anchor, or cron")
    if interval_seconds <= 0:
        raise ScheduleError(f"interval: {interval_seconds!r} seconds is not a positive duration")
    return IntervalTrigger(interval_seconds, anchor_at)


def first_from(trigger: Trigger, at: float) -> float | None:
    """Return the first slot at or after `at`."""
    return at if trigger.latest_until(at) == at else trigger.next_after(at)


def start_at(start: str, timezone: str | None) -> float:
    """Return the instant of an ISO 8601 text; without an offset it is meant in `timezone`.

    Raises ScheduleError naming `start` or `timezone`.
    """
    try:
        when = datetime.fromisoformat(start)
    except ValueError:
        raise ScheduleError(f"start: {start!r} is not an ISO 8601 date and time") from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=time_zone(timezone or "UTC"))
    return round_ms(when.timestamp())
