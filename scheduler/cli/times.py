"""Instants as people say and type them: relative to now, and in one time zone."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo

from scheduler.cron import time_zone
from scheduler.errors import UsageError
from scheduler.wording import ago, until

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,6})?)?")
_EPOCH = re.compile(r"\d{9,11}(\.\d+)?")  # eight are a date of ISO 8601
# The time of day, alone or behind a date, in the extended or the basic form of ISO 8601.
_SECONDS = re.compile(r"(?:^\d{1,2}:\d{2}|[^\d:]\d{2}:?\d{2}):?\d{2}([.,]\d)?")


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant as somebody wrote it: `within_seconds` is how much of what follows it may mean."""

    at: float
    within_seconds: float = 0.0


class Times:
    """Says instants as seen at one moment, in one time zone."""

    def __init__(self, now: float, zone_name: str) -> None:
        self.now = now
        self.zone_name = zone_name
        self._zone = time_zone(zone_name)

    def ago(self, at: float | None) -> str:
        """Say how long ago: `12s ago`, `never`."""
        return "never" if at is None else ago(self.now - at)

    def until(self, at: float | None) -> str:
        """Say how far off: `in 8s`, `due`, nothing without an instant."""
        return "" if at is None else until(at - self.now)

    def clock(self, at: float | None) -> str:
        """Say the time of day, with the day where it is not today's: `09:00:05`, `Nov 22 09:00`."""
        if at is None:
            return ""
        moment, today = self._local(at), self._local(self.now)
        if moment.date() == today.date():
            return f"{moment:%H:%M:%S}"
        if moment.year == today.year:
            return f"{moment:%b %d %H:%M}"
        return f"{moment:%Y-%m-%d}"

    def full(self, at: float) -> str:
        """Say date, time and zone, with milliseconds only where there are any."""
        try:
            moment = self._local(at)
        except (ValueError, OverflowError):
            return "a time that no calendar shows"  # such as the slot after the year 9999
        milliseconds = f".{moment.microsecond // 1000:03}" if moment.microsecond >= 1000 else ""
        return f"{moment:%Y-%m-%d %H:%M:%S}{milliseconds} {moment.tzname() or self.zone_name}"

    def parse(self, text: str) -> float:
        """Read `now`, HH:MM[:SS[.fff]] (today), ISO 8601 or epoch seconds.

        A naive time is one in this zone, unless it ends as `full` ends it: with this zone's name
        then, or UTC. Raises UsageError.
        """
        if text == "now":
            return self.now
        if _EPOCH.fullmatch(text):
            return float(text)
        try:
            at = self._read_in_named_zone(text)
            at = self._read(text, self._zone).timestamp() if at is None else at
            for zone in (UTC, self._zone):
                datetime.fromtimestamp(at, zone)  # else it could not be shown
        except (ValueError, OverflowError):
            raise UsageError(
                f"cannot read the time {text!r}; write 2026-03-01T07:00, 07:00, now "
                "or seconds since 1970 (9 to 11 digits)"
            ) from None
        return at

    def parse_moment(self, text: str) -> Moment:
        """Read like `parse`; a time without seconds means the minute, without a fraction a second.

        Slots have milliseconds, people do not; nobody writes more. Raises UsageError.
        """
        at = self.parse(text)
        if text == "now":
            return Moment(at)
        seconds = _SECONDS.search(text)
        if not at.is_integer() or (seconds and seconds[1]):
            return Moment(at, 0.001)
        return Moment(at, 1.0 if seconds or _EPOCH.fullmatch(text) else 60.0)

    def is_skipped(self, text: str) -> bool:
        """Tell whether this time does not exist in this zone, whose clocks are set forward then."""
        try:
            meant = self._read(text, self._zone)
            exists_as = self._local(meant.timestamp())
        except (ValueError, OverflowError):
            return False  # such as now, or seconds since 1970
        is_naive = meant.tzinfo is self._zone
        return is_naive and (meant.hour, meant.minute) != (exists_as.hour, exists_as.minute)

    def _read_in_named_zone(self, text: str) -> float | None:
        """Read a time that ends with a zone's name; None: it has none that is ours."""
        body, _, name = text.rpartition(" ")
        if body and name == "UTC":
            return self._read(body, UTC).timestamp()
        for fold in (0, 1):  # the hour that comes twice has the same digits, but two names
            with suppress(ValueError):
                moment = self._read(body, self._zone).replace(fold=fold)
                if name in (moment.tzname(), self.zone_name):
                    return moment.timestamp()
        return None

    def _read(self, text: str, zone: tzinfo) -> datetime:
        if match := _CLOCK.fullmatch(text):
            hour, minute, second, fraction = match.groups()
            microsecond = round(float(fraction or 0) * 1e6)
            today = datetime.fromtimestamp(self.now, zone).date()
            moment = datetime.combine(
                today, time(int(hour), int(minute), int(second or 0), microsecond)
            )
        else:
            moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)

    def _local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, self._zone)
