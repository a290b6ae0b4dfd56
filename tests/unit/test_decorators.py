"""`@schedule`: what it records, that the function stays as it was, and how errors are said."""

import functools
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler import schedule
from scheduler.decorators import ScheduleSpec, spec_of
from scheduler.errors import ScheduleError

MINUTE = timedelta(minutes=1)
# The checks below hand over what a type checker would refuse.
unchecked: Any = schedule


def test_the_function_itself_is_returned_and_stays_callable() -> None:
    def greet(name: str = "you") -> str:
        return f"hello {name}"

    marked = schedule(MINUTE)(greet)
    assert marked is greet
    assert marked("me") == "hello me"


def test_an_interval_is_recorded_in_seconds_on_the_function() -> None:
    @schedule(timedelta(minutes=5))
    def work() -> None: ...

    assert vars(work)["__scheduler_interval_seconds__"] == 300.0
    assert spec_of(work) == ScheduleSpec(interval_seconds=300.0)


def test_a_cron_function_has_no_interval() -> None:
    @schedule(cron="0 7 * * MON-FRI", timezone="Europe/Berlin")
    async def work() -> None: ...

    assert "__scheduler_interval_seconds__" not in vars(work)
    assert spec_of(work) == ScheduleSpec(cron="0 7 * * MON-FRI", timezone="Europe/Berlin")


def test_every_argument_is_recorded() -> None:
    @schedule(
        timedelta(hours=1),
        timezone="Asia/Tokyo",
        name="team.report",
        start=datetime(2026, 1, 1, 0, 15),
        jitter=timedelta(seconds=20),
        catch_up="all",
        grace=timedelta(minutes=2),
        overlap="queue",
        timeout=timedelta(minutes=3),
        retries=4,
        retry_delay=timedelta(seconds=5),
        retry_backoff=1,
        priority=-6,
        isolated=True,
        enabled=False,
    )
    def work() -> None: ...

    assert spec_of(work) == ScheduleSpec(
        interval_seconds=3600.0,
        timezone="Asia/Tokyo",
        name="team.report",
        start="2026-01-01T00:15:00",
        jitter_seconds=20.0,
        catch_up="all",
        grace_seconds=120.0,
        overlap="queue",
        timeout_seconds=180.0,
        retries=4,
        retry_delay_seconds=5.0,
        retry_backoff=1.0,
        priority=-6,
        isolated=True,
        enabled=False,
    )


def test_an_aware_start_keeps_its_offset() -> None:
    @schedule(MINUTE, start=datetime(2026, 1, 1, tzinfo=UTC))
    def work() -> None: ...

    spec = spec_of(work)
    assert spec is not None
    assert spec.start == "2026-01-01T00:00:00+00:00"


@given(
    st.floats(0.01, 1e9),
    st.none() | st.text(),
    st.none() | st.floats(0.001, 1e9),
    st.integers(0, 99),
    st.booleans(),
)
def test_a_spec_survives_json(
    interval_seconds: float,
    name: str | None,
    grace_seconds: float | None,
    retries: int,
    isolated: bool,
) -> None:
    spec = ScheduleSpec(
        interval_seconds=interval_seconds,
        name=name,
        grace_seconds=grace_seconds,
        retries=retries,
        isolated=isolated,
    )
    assert ScheduleSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_nothing_else_has_a_spec() -> None:
    class Impostor:
        __scheduler_spec__ = "5 minutes"

    for thing in (Impostor, Impostor(), 5, len, None):
        assert spec_of(thing) is None


def test_a_mark_is_kept_by_decorators_around_it_that_use_wraps() -> None:
    @schedule(MINUTE)
    def work() -> None: ...

    @functools.wraps(work)
    def wrapper(*args: object, **kwargs: object) -> None: ...

    assert spec_of(wrapper) == spec_of(work)


def test_a_function_made_by_a_decorator_below_can_be_scheduled() -> None:
    def logged(function: Callable[[], None]) -> Callable[..., None]:
        @functools.wraps(function)
        def wrapper(*args: object, **kwargs: object) -> None: ...

        return wrapper

    @schedule(MINUTE)
    @logged
    def work() -> None: ...

    assert spec_of(work) == ScheduleSpec(interval_seconds=60.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "interval: neither"),
        ({"interval": MINUTE, "cron": "* * * * *"}, "interval, cron: both"),
        ({"interval": 5}, r"interval: 5 is not a timedelta; write interval=timedelta\(seconds=5\)"),
        (
            {"interval": "0 7 * * MON"},
            r"interval: '0 7 \* \* MON' is not a timedelta; write cron='0 7 \* \* MON'$",
        ),
        ({"interval": "0 0 7 * * *"}, r"interval: .*; write cron='0 0 7 \* \* \*'$"),
        (
            {"interval": "5m"},
            r"interval: '5m' is not a timedelta; write interval=timedelta\(minutes=5\) or cron='",
        ),
        ({"interval": "@hourly"}, r"interval: .*=timedelta\(minutes=5\) or cron='0 7 \* \* \*'$"),
        (
            {"interval": MINUTE, "jitter": "0 7 * * *"},
            r"jitter: .*; write jitter=timedelta\(minutes=5\)$",
        ),
        ({"interval": True}, "interval: True is not a timedelta"),
        ({"interval": timedelta(0)}, "interval: '0:00:00' is too short"),
        ({"interval": -MINUTE}, "interval: '-0:01:00' is negative; give at least "),
        ({"interval": timedelta(milliseconds=9)}, "interval: .* at least 0:00:00.010000"),
        ({"interval": timedelta.max}, "interval: .* is too long"),
        ({"cron": 5}, "cron: 5 is not a text"),
        ({"cron": "61 * * * *"}, "cron: '61"),
        ({"cron": "0 0 30 2 *"}, "cron: '0 0 30 2"),
        ({"cron": "* * * * *", "start": datetime(2026, 1, 1)}, "start: .* with cron"),
        ({"interval": MINUTE, "timezone": "Mars"}, "timezone: 'Mars' is not a known"),
        ({"interval": MINUTE, "timezone": UTC}, "timezone: .* is not a name"),
        ({"interval": MINUTE, "name": ""}, "name: '' is not a name"),
        ({"interval": MINUTE, "name": 7}, "name: 7 is not a name"),
        ({"interval": MINUTE, "name": "-x"}, "name: '-x' cannot be typed"),
        ({"interval": MINUTE, "name": "a b"}, "name: 'a b' cannot be typed"),
        ({"interval": MINUTE, "name": "n" * 201}, "name: "),
        ({"interval": MINUTE, "start": "2026-01-01"}, "start: .* is not a datetime"),
        ({"interval": MINUTE, "start": datetime.min}, "start: .* is out of range"),
        ({"interval": MINUTE, "jitter": 3}, "jitter: 3 is not a timedelta"),
        ({"interval": MINUTE, "jitter": -MINUTE}, "jitter: .* is negative; give zero or more"),
        ({"interval": MINUTE, "jitter": 2 * MINUTE}, "jitter: .* longer than the interval"),
        ({"interval": MINUTE, "grace": timedelta(0)}, "grace: .* is too short"),
        ({"interval": MINUTE, "grace": MINUTE / 2, "jitter": MINUTE / 2}, "grace: .* jitter"),
        ({"interval": MINUTE, "catch_up": "none"}, "catch_up: 'none' is not known; .*'latest'"),
        ({"interval": MINUTE, "overlap": ["skip"]}, "overlap: .* is not known; .*'replace'"),
        ({"interval": MINUTE, "timeout": 10.5}, r"timeout: .*timedelta\(seconds=10.5\)"),
        ({"interval": MINUTE, "timeout": timedelta(0)}, "timeout: .* is too short"),
        ({"interval": MINUTE, "retries": -1}, "retries: -1 is out of range"),
        ({"interval": MINUTE, "retries": 2.0}, "retries: 2.0 is not a whole number"),
        ({"interval": MINUTE, "retries": True}, "retries: True is not a whole number"),
        ({"interval": MINUTE, "retry_delay": None}, "retry_delay: None is not a timedelta"),
        ({"interval": MINUTE, "retry_backoff": 0.5}, "retry_backoff: 0.5 is out of range"),
        ({"interval": MINUTE, "retry_backoff": float("nan")}, "retry_backoff: nan is out of"),
        ({"interval": MINUTE, "retry_backoff": "2"}, "retry_backoff: '2' is not a number"),
        ({"interval": MINUTE, "priority": 2**31}, "priority: 2147483648 is out of range"),
        ({"interval": MINUTE, "priority": "high"}, "priority: 'high' is not a whole number"),
        ({"interval": MINUTE, "isolated": 1}, "isolated: 1 is not True or False"),
        ({"interval": MINUTE, "enabled": None}, "enabled: None is not True or False"),
    ],
)
def test_a_wrong_argument_is_named_with_what_was_given_and_the_remedy(
    arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ScheduleError, match=f"^{message}"):
        unchecked(**arguments)


def test_forgotten_parentheses_are_explained() -> None:
    def work() -> None: ...

    with pytest.raises(ScheduleError, match=r"write @schedule\(timedelta\(minutes=5\)\)"):
        unchecked(work)


def test_a_second_schedule_on_a_function_is_refused() -> None:
    @schedule(MINUTE)
    def work() -> None: ...

    with pytest.raises(ScheduleError, match="work has a schedule already"):
        schedule(cron="* * * * *")(work)


class _Box:
    def method(self) -> None: ...


def _generator() -> Iterator[int]:
    yield 1


async def _async_generator() -> AsyncIterator[int]:
    yield 1


def _demanding(path: str, limit: int = 1, *, mode: str, quiet: bool = True) -> None: ...


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (_Box, "is a class, not a function"),
        (_Box.method, "_Box.method is a method"),
        (_Box().method, "is a method"),
        (staticmethod(print), "is a staticmethod"),
        (functools.partial(print, "x"), "is a partial"),
        (print, "is a builtin_function_or_method"),
        (lambda: None, "a lambda has no name"),
        (_generator, "_generator is a generator"),
        (_async_generator, "_async_generator is a generator"),
        (_demanding, "_demanding is called without arguments but requires path, mode;"),
        (5, "is a int, not a function"),
    ],
)
def test_what_cannot_be_run_by_its_name_is_refused(thing: object, message: str) -> None:
    with pytest.raises(ScheduleError, match=f"^@schedule: .*{message}"):
        unchecked(MINUTE)(thing)


def test_importing_scheduler_loads_no_library_and_nothing_a_user_file_does_not_need() -> None:
    heavy = "huey peewee urwid cronsim msgspec zoneinfo asyncio logging sqlite3 subprocess"
    code = f"import scheduler, sys; print(*[m for m in {heavy.split()} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
