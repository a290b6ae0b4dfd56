"""The calendar of a cron expression: the instants it names, day by day, in a time zone.

`cronsim` parses the expression and matches dates. The instants of a day are computed here from the
zone's offsets instead of by cronsim's stepping, which depends on where it starts: around a change
it loses slots (`0 */2 * * *` at 02:00 in Lord Howe), and it answers a question from within the
repeated hour with a time before it. A day computed as a whole also makes counting cheap.

The rule on the days a clock changes is Debian cron's, as in cronsim. A time of day that is fixed
(neither the minute nor the hour starts with `*`, five fields) fires exactly once: in a skipped
hour at the moment after the gap, in a repeated hour the first time. Anything with a wildcard
follows the clock on the wall: not in a skipped hour, both times in a repeated one.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING

from scheduler.errors import ScheduleError

if TYPE_CHECKING:
    from cronsim import CronSim

_DAY_SECONDS = 86400
_EPOCH = date(1970, 1, 1).toordinal()
# A 29 February that is a Monday can be 40 years away; what does not fire in 50 never does.
_HORIZON_DAYS = 50 * 366
_SOME_DAY = date(2024, 1, 1).toordinal() - _EPOCH


@dataclass(frozen=True, slots=True)
class Day:
    """The slots of one local day: `base` plus each of the ascending `offsets`, in epoch seconds."""

    base: int
    offsets: Sequence[int]

    def until(self, at: float) -> int:
        """Return how many of the day's slots are at or before `at`."""
        return bisect_right(self.offsets, at - self.base)

    def before(self, at: float) -> int:
        """Return how many of the day's slots are before `at`."""
        return bisect_left(self.offsets, at - self.base)

    def slots(self, start: int, stop: int) -> list[float]:
        """Return the slots with these indexes, ascending."""
        return [float(self.base + offset) for offset in self.offsets[start:stop]]


class CronCalendar:
    """The slots of a cron expression in a time zone; days are counted from 1970-01-01, local.

    Raises ScheduleError when the expression is wrong or never fires.
    """

    def __init__(self, expression: str, zone: tzinfo) -> None:
        self._zone = zone
        self._rule = _parse(expression)
        self._is_fixed = _is_fixed(expression)
        self._walls = _wall_seconds(self._rule)
        self._changed_day = lru_cache(maxsize=4)(self._compute_changed_day)
        if next(self.days(_SOME_DAY, _SOME_DAY + _HORIZON_DAYS), None) is None:
            raise _never_fires(expression)

    def days_around(self, at: float, *, step: int = 1) -> Iterator[Day]:
        """Yield the days from the one of `at` on, forwards or backwards, for at most 50 years."""
        # The last slot of a day whose end is skipped lies at the first instant of the next one.
        start = self.local_day(at) - step
        return map(self.day, self.days(start, start + step * _HORIZON_DAYS, step))

    def days(self, start: int, stop: int, step: int = 1) -> Iterator[int]:
        """Yield the matching days in range(start, stop, step)."""
        rule = self._rule
        for day in range(start, stop, step):
            when = date.fromordinal(_EPOCH + day)
            if when.month in rule.months and rule.match_day(when):
                yield day

    def local_day(self, at: float) -> int:
        """Return the local day of an instant."""
        return int((at + self._offset(at)) // _DAY_SECONDS)

    def day(self, day: int) -> Day:
        """Return the slots of a matching local day."""
        before, after = self._midnight_offset(day), self._midnight_offset(day + 1)
        if before != after:
            return self._changed_day(day, before, after)
        return Day(day * _DAY_SECONDS - before, self._walls)

    def _compute_changed_day(self, day: int, before: int, after: int) -> Day:
        midnight = day * _DAY_SECONDS
        change = self._change(midnight - before - 1, midnight + _DAY_SECONDS - after)
        walls = (midnight + wall for wall in self._walls)
        if not self._is_fixed:
            return Day(0, _wildcard_instants(list(walls), change, before, after))
        instants = {
            wall - before if wall - before < change else max(change, wall - after) for wall in walls
        }
        if midnight + _DAY_SECONDS - after in instants and self._has_midnight(day + 1):
            instants.discard(midnight + _DAY_SECONDS - after)  # the next day answers for it
        return Day(0, sorted(instants))

    def _has_midnight(self, day: int) -> bool:
        return self._walls[0] == 0 and any(self.days(day, day + 1))

    def _change(self, low: int, high: int) -> int:
        """Return the first second in (low, high] whose offset is not that of `low`."""
        before = self._offset(low)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._offset(middle) == before else (low, middle)
        return high

    def _offset(self, at: float) -> int:
        return _seconds(datetime.fromtimestamp(at, self._zone))

    def _midnight_offset(self, day: int) -> int:
        return _seconds(datetime.fromordinal(_EPOCH + day).replace(tzinfo=self._zone))


@lru_cache(maxsize=4096)
def calendar(expression: str, timezone: str) -> CronCalendar:
    """Return the calendar of an expression in an IANA zone; raises ScheduleError."""
    return CronCalendar(expression, time_zone(timezone))


@lru_cache(maxsize=1024)
def time_zone(name: str) -> tzinfo:
    """Return the IANA time zone of this name; raises ScheduleError naming `timezone`."""
    from zoneinfo import ZoneInfo

    if name == "UTC":
        return UTC  # works without a time zone database
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ScheduleError(
            f"timezone: {name!r} is not a known time zone; give an IANA name such as"
            " 'Europe/Berlin' (a machine without time zones needs `pip install tzdata`)"
        ) from None


def _parse(expression: str) -> "CronSim":
    from cronsim import CronSim, CronSimError

    try:
        return CronSim(expression, datetime(2024, 1, 1))
    except CronSimError as error:
        if "day-of-month" in str(error).lower() and _is_right_in_any_month(expression):
            raise _never_fires(expression) from None
        raise ScheduleError(
            f"cron: {expression!r} is not a cron expression ({str(error).lower()}); give minute,"
            " hour, day of month, month and day of week, such as '0 7 * * MON-FRI'"
        ) from None


def _is_right_in_any_month(expression: str) -> bool:
    """Tell whether only the month is in the way of a day; cronsim refuses what it never has."""
    from cronsim import CronSim, CronSimError

    fields = expression.split()
    fields[-2] = "*"
    try:
        CronSim(" ".join(fields), datetime(2024, 1, 1))
    except CronSimError:
        return False
    return True


def _never_fires(expression: str) -> ScheduleError:
    return ScheduleError(f"cron: {expression!r} never fires; no date matches its day fields")


def _is_fixed(expression: str) -> bool:
    fields = expression.split()
    return len(fields) == 5 and not any(field.startswith("*") for field in fields[:2])


def _wall_seconds(rule: "CronSim") -> Sequence[int]:
    return array(
        "l",
        (
            hour * 3600 + minute * 60 + second
            for hour in sorted(rule.hours)
            for minute in sorted(rule.minutes)
            for second in sorted(rule.seconds)
        ),
    )


def _wildcard_instants(walls: list[int], change: int, before: int, after: int) -> list[int]:
    return [wall - before for wall in walls if wall - before < change] + [
        wall - after for wall in walls if wall - after >= change
    ]


def _seconds(when: datetime) -> int:
    offset = when.utcoffset()
    return int(offset.total_seconds()) if offset else 0
