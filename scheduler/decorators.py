"""`@schedule`: marks a function with a frozen description of when and how it runs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, TypeVar

from scheduler.arguments import (
    check_backoff,
    check_bool,
    check_choice,
    check_cron,
    check_function,
    check_int,
    check_name,
    check_seconds,
    check_timezone,
    optional_seconds,
    start_text,
)
from scheduler.errors import ScheduleError

CatchUp = Literal["latest", "all", "skip"]
Overlap = Literal["skip", "queue", "allow", "replace"]
CATCH_UPS = ("latest", "all", "skip")
OVERLAPS = ("skip", "queue", "allow", "replace")

_SPEC = "__scheduler_spec__"
_INTERVAL = "__scheduler_interval_seconds__"
_kept: list[object] | None = None
# A bound without parameters: mypy then reports a function that cannot be called without arguments.
F = TypeVar("F", bound=Callable[[], object])


class ScheduleSpec(NamedTuple):
    """What one `@schedule(...)` says, checked; in seconds. It has an interval or cron, not both.

    Not a dataclass: loading those would be half of what `import scheduler` costs every user file.
    """

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

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values that JSON can carry."""
        return self._asdict()

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "ScheduleSpec":
        """Return the spec whose `to_dict` this is; raises TypeError on unknown fields."""
        return cls(**fields)


def schedule(
    interval: timedelta | None = None,
    *,
    cron: str | None = None,
    timezone: str | None = None,
    name: str | None = None,
    start: datetime | None = None,
    jitter: timedelta | None = None,
    catch_up: CatchUp = "latest",
    grace: timedelta | None = None,
    overlap: Overlap = "skip",
    timeout: timedelta | None = None,
    retries: int = 0,
    retry_delay: timedelta = timedelta(seconds=10),
    retry_backoff: float = 2.0,
    priority: int = 0,
    isolated: bool = False,
    enabled: bool = True,
) -> Callable[[F], F]:
    """Run the decorated function every `interval`, or at the times `cron` names.

    The function itself is returned, unchanged and callable; only two attributes are set on it.
    Raises ScheduleError, a ValueError, that names the argument at fault and the remedy.

    interval: a timedelta of at least 10 ms. cron: five fields, or six with seconds first.
    timezone: IANA name, of `cron` and of a naive `start`; default the configuration's.
    name: replaces the dotted name made from path and function.
    start: the anchor of an interval's grid, past or future; default the time of discovery.
    jitter: put each run off by a stable pseudo-random part of this.
    catch_up: after downtime one run for all missed slots (latest), one each (all), none (skip;
        what is no later than `grace`, by default a minute, still runs).
    grace: how late a slot may start; later it is recorded as missed.
    overlap: when the last run still goes: skip the slot, queue one, allow both, replace the old.
    timeout: end the run after this; default the configuration's.
    retries: new attempts after a failure, the first after `retry_delay`, each next
    `retry_backoff` times later, at most 1 h.
    priority: higher runs first. isolated: a fresh process for every run.
    enabled: False keeps the function listed without running it.
    """
    if callable(interval):
        raise ScheduleError(
            "interval: @schedule needs parentheses and an interval or cron;"
            " write @schedule(timedelta(minutes=5))"
        )
    spec = ScheduleSpec(
        interval_seconds=optional_seconds("interval", interval, least=0.01),
        cron=check_cron(cron),
        timezone=check_timezone(timezone),
        name=check_name(name),
        start=start_text(start),
        jitter_seconds=optional_seconds("jitter", jitter, least=0) or 0.0,
        catch_up=check_choice("catch_up", catch_up, CATCH_UPS),
        grace_seconds=optional_seconds("grace", grace, least=0.001),
        overlap=check_choice("overlap", overlap, OVERLAPS),
        timeout_seconds=optional_seconds("timeout", timeout, least=0.001),
        retries=check_int("retries", retries, least=0),
        retry_delay_seconds=check_seconds("retry_delay", retry_delay, least=0),
        retry_backoff=check_backoff(retry_backoff),
        priority=check_int("priority", priority, least=-(2**31)),
        isolated=check_bool("isolated", isolated),
        enabled=check_bool("enabled", enabled),
    )
    _check_together(spec)
    return lambda function: _mark(function, spec)


def keep_marked() -> None:
    """Keep every function that is marked from now on, also one that another replaces: for scans."""
    global _kept
    _kept = []


def spec_of(thing: object) -> ScheduleSpec | None:
    """Return the spec that `@schedule` set on a function, None for anything else."""
    spec = getattr(thing, "__dict__", {}).get(_SPEC)
    return spec if isinstance(spec, ScheduleSpec) else None


def _mark(function: F, spec: ScheduleSpec) -> F:
    marked = check_function(function)
    if spec_of(marked) is not None:
        raise ScheduleError(
            f"@schedule: {marked.__qualname__} has a schedule already;"
            " write a second function that calls it"
        )
    setattr(marked, _SPEC, spec)
    if _kept is not None:
        _kept.append(marked)
    if spec.interval_seconds is not None:
        setattr(marked, _INTERVAL, spec.interval_seconds)
    return function


def _check_together(spec: ScheduleSpec) -> None:
    interval, grace = spec.interval_seconds, spec.grace_seconds
    if interval is not None and spec.cron is not None:
        raise ScheduleError(f"interval, cron: both are given (cron={spec.cron!r}); leave one out")
    if interval is None and spec.cron is None:
        raise ScheduleError(
            "interval: neither interval nor cron is given; write @schedule(timedelta(minutes=5))"
            " or @schedule(cron='0 7 * * *')"
        )
    if spec.start is not None and spec.cron is not None:
        raise ScheduleError(f"start: {spec.start} has no meaning with cron; leave it out")
    if interval is not None and spec.jitter_seconds > interval:
        raise ScheduleError(
            f"jitter: {spec.jitter_seconds} s is longer than the interval of {interval} s;"
            " make it shorter"
        )
    if grace is not None and spec.jitter_seconds >= grace:
        raise ScheduleError(
            f"grace: {grace} s must be longer than the jitter of {spec.jitter_seconds} s,"
            " or slots that are put off would be missed; make it longer"
        )
