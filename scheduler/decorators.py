"""`@schedule`: marks a function with a frozen description of when and how it runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSpec:
    """What one `@schedule(...)` says, checked; durations in seconds. Exactly one of interval, cron."""

    interval_seconds: float | None = None
    cron: str | None = None
    timezone: str | None = None  # IANA name; None = the configuration's time zone
    name: str | None = None  # overrides the whole dotted name
    start: str | None = None  # ISO 8601; without offset it is meant in `timezone`
    jitter_seconds: float = 0.0
    catch_up: str = "latest"  # latest | all | skip
    grace_seconds: float | None = None
    overlap: str = "skip"  # skip | queue | allow | replace
    timeout_seconds: float | None = None
    retries: int = 0
    retry_delay_seconds: float = 10.0
    retry_backoff: float = 2.0
    priority: int = 0
    isolated: bool = False
    enabled: bool = True


def schedule(interval=None, **options):  # type: ignore[no-untyped-def]
    def mark(function):  # type: ignore[no-untyped-def]
        function.__schedule_spec__ = ScheduleSpec(
            interval_seconds=interval.total_seconds() if interval else None, **options
        )
        return function

    return mark
