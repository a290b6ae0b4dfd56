"""Cron in time zones: what fires on the days a clock changes, and what is no expression."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from scheduler.errors import ScheduleError
from scheduler.triggers import CronTrigger

# (zone, day, expression, the local times it fires at): what is fixed fires exactly once.
FIXED_TIMES = [
    ("Europe/Berlin", "2026-03-29", "30 2 * * *", ["03:00+02"]),
    ("Europe/Berlin", "2026-03-29", "0,30 2 * * *", ["03:00+02"]),
    ("Europe/Berlin", "2026-03-29", "30 2,3 * * *", ["03:00+02", "03:30+02"]),
    ("Europe/Berlin", "2026-10-25", "30 2 * * *", ["02:30+02"]),
    ("Europe/Berlin", "2026-10-25", "0 3 * * *", ["03:00+01"]),
    ("America/New_York", "2026-03-08", "30 2 * * *", ["03:00-04"]),
    ("America/New_York", "2026-11-01", "30 1 * * *", ["01:30-04"]),
    ("Australia/Lord_Howe", "2026-10-04", "10 2 * * *", ["02:30+11"]),
    ("Australia/Lord_Howe", "2026-04-05", "40 1 * * *", ["01:40+11"]),
    ("Australia/Lord_Howe", "2026-04-05", "0 2 * * *", ["02:00+10:30"]),
    ("America/Santiago", "2026-09-06", "0 0 * * *", ["01:00-03"]),
    ("America/Santiago", "2026-09-06", "30 0,1 * * *", ["01:00-03", "01:30-03"]),
    ("America/Santiago", "2026-04-04", "30 23 * * *", ["23:30-03"]),
    ("America/Santiago", "2026-04-05", "0 0 * * *", ["00:00-04"]),
]
# Wildcards follow the clock on the wall: none in the gap, two in the repeated hour.
WILDCARDS = [
    ("Europe/Berlin", "2026-03-29", "*/30 1-3 * * *", ["01:00+01", "01:30+01", "03:00+02"]),
    ("Europe/Berlin", "2026-10-25", "0 */2 * * *", ["00:00+02", "02:00+02", "02:00+01"]),
    ("America/New_York", "2026-03-08", "0 */2 * * *", ["00:00-05", "04:00-04", "06:00-04"]),
    ("America/New_York", "2026-11-01", "15 * * * *", ["00:15-04", "01:15-04", "01:15-05"]),
    ("Australia/Lord_Howe", "2026-04-05", "0 */2 * * *", ["00:00+11", "02:00+10:30"]),
    ("Australia/Lord_Howe", "2026-04-05", "*/15 1 * * *", ["01:00+11", "01:15+11", "01:30+11"]),
    ("Australia/Lord_Howe", "2026-10-04", "*/15 2 * * *", ["02:30+11", "02:45+11"]),
    ("America/Santiago", "2026-09-06", "*/30 0-1 * * *", ["01:00-03", "01:30-03"]),
    ("America/Santiago", "2026-04-04", "0 * * * SAT", ["00:00-03", "01:00-03", "02:00-03"]),
]
CHANGING_ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago"]


@pytest.mark.parametrize(("zone", "day", "expression", "expected"), FIXED_TIMES)
def test_a_fixed_time_fires_once_on_the_day_the_clock_changes(
    zone: str, day: str, expression: str, expected: list[str]
) -> None:
    assert _fires(zone, day, expression) == expected


@pytest.mark.parametrize(("zone", "day", "expression", "expected"), WILDCARDS)
def test_a_wildcard_follows_the_clock_on_the_wall(
    zone: str, day: str, expression: str, expected: list[str]
) -> None:
    assert _fires(zone, day, expression)[: len(expected)] == expected


@pytest.mark.parametrize("zone", CHANGING_ZONES)
def test_every_minute_of_real_time_fires_over_a_year_with_both_changes(zone: str) -> None:
    year = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert CronTrigger("* * * * *", zone).count(year, year + 365 * 86400 - 1) == 365 * 1440


@pytest.mark.parametrize("zone", [*CHANGING_ZONES, "America/Nuuk", "America/Havana"])
@pytest.mark.parametrize("expression", ["30 2 * * *", "0 0 * * *", "30 23 * * *", "59 1 * * *"])
def test_a_daily_time_fires_exactly_once_for_each_day_of_a_year(zone: str, expression: str) -> None:
    first = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone)).timestamp()
    last = datetime(2027, 1, 1, tzinfo=ZoneInfo(zone)).timestamp() - 1
    trigger = CronTrigger(expression, zone)
    slots = list(trigger.between(first, last))
    assert len(slots) == 365
    assert slots == sorted(set(slots))
    assert trigger.count(first, last) == 365


def test_a_skipped_last_hour_fires_at_midnight_once_for_both_days() -> None:
    # In Nuuk the clock goes from Saturday 23:00 to Sunday 00:00.
    trigger = CronTrigger("0,30 0,23 * * *", "America/Nuuk")
    first = datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("America/Nuuk")).timestamp()
    slots = list(trigger.between(first, first + 12 * 3600))
    assert [_local("America/Nuuk", slot)[:16] for slot in slots] == [
        "2026-03-29T00:00",
        "2026-03-29T00:30",
    ]
    assert trigger.count(first, first + 12 * 3600) == 2
    assert trigger.count(slots[0], slots[0]) == 1


def test_the_next_slot_from_within_the_repeated_hour_is_not_in_the_past() -> None:
    at = datetime(2026, 10, 25, 2, 10, tzinfo=ZoneInfo("Europe/Berlin"), fold=1).timestamp()
    following = CronTrigger("30 2 * * *", "Europe/Berlin").next_after(at)
    assert _local("Europe/Berlin", following) == "2026-10-26T02:30:00+01:00"


@given(
    expression=st.sampled_from(
        ["*/5 * * * *", "0 7 * * MON-FRI", "15 3 1,15 * *", "0 0 L * *", "5 4 * * SUN#1"]
        + ["0 12 13 * FRI", "30 */6 * 2,8 *", "0 0 LW * *", "10 10 * * 5L", "*/25 1 2 * * *"]
    ),
    at=st.integers(1_700_000_000, 1_900_000_000),
)
def test_where_no_clock_changes_it_agrees_with_cronsim(expression: str, at: int) -> None:
    start = datetime.fromtimestamp(at, UTC)
    theirs = [when.timestamp() for when, _ in zip(CronSim(expression, start), range(5))]
    trigger, ours = CronTrigger(expression, "UTC"), [float(at)]
    for _ in range(5):
        ours.append(trigger.next_after(ours[-1]) or 0)
    assert ours[1:] == theirs
    before = next(CronSim(expression, start + timedelta(seconds=1), reverse=True)).timestamp()
    assert trigger.latest_until(at) == before


@given(at=st.integers(1_700_000_000, 1_900_000_000), zone=st.sampled_from(CHANGING_ZONES))
def test_on_fixed_times_it_agrees_with_cronsim_in_every_zone(at: int, zone: str) -> None:
    start = datetime.fromtimestamp(at, ZoneInfo(zone))
    theirs = CronSim("30 2 * * *", start)
    expected = next(slot for when in theirs if (slot := when.timestamp()) > at)
    assert CronTrigger("30 2 * * *", zone).next_after(at) == expected


@pytest.mark.parametrize(
    "expression", ["", "* * * *", "61 * * * *", "nonsense", "* * * * * * *", "0 0 * * MON#6"]
)
def test_what_is_no_expression_names_cron_and_what_was_given(expression: str) -> None:
    with pytest.raises(ScheduleError, match=r"^cron: ") as raised:
        CronTrigger(expression, "UTC")
    assert repr(expression) in str(raised.value)


@given(st.text(alphabet="0123456789*/,-#LWMONSU ", max_size=20))
def test_any_text_is_either_an_expression_or_a_schedule_error(text: str) -> None:
    try:
        fires_at = CronTrigger(text, "UTC").next_after(0)
    except ScheduleError:
        return
    assert fires_at is not None


@pytest.mark.parametrize("expression", ["0 0 30 2 *", "0 0 31 4,6 *", "0 0 */29 2 MON#2"])
def test_an_expression_that_never_fires_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleError, match=r"^cron: .* never fires; no date matches"):
        CronTrigger(expression, "UTC")


@pytest.mark.parametrize(
    ("expression", "fault"), [("0 0 32 2 *", "bad day-of-month"), ("0 0 1 13 *", "bad month")]
)
def test_a_day_or_month_that_no_calendar_has_is_no_expression(expression: str, fault: str) -> None:
    with pytest.raises(ScheduleError, match=rf"^cron: .* is not a cron expression \({fault}\)"):
        CronTrigger(expression, "UTC")


def test_a_leap_day_that_is_a_monday_is_found_decades_away() -> None:
    at = datetime(2072, 3, 1, tzinfo=UTC).timestamp()
    following = CronTrigger("0 0 * 2 MON#5", "UTC").next_after(at)
    assert _local("UTC", following) == "2112-02-29T00:00:00+00:00"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Europe", "UTC+1"])
def test_an_unknown_time_zone_names_timezone(zone: str) -> None:
    with pytest.raises(ScheduleError, match=r"^timezone: "):
        CronTrigger("* * * * *", zone)


def _fires(zone: str, day: str, expression: str) -> list[str]:
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    last = (midnight + timedelta(days=1)).timestamp() - 1
    slots = CronTrigger(expression, zone).between(midnight.timestamp(), last)
    found = [_local(zone, slot) for slot in slots]
    assert all(text.startswith(day) for text in found)
    return [text[11:16] + text[19:].removesuffix(":00") for text in found]


def _local(zone: str, slot: float | None) -> str:
    assert slot is not None
    return datetime.fromtimestamp(slot, ZoneInfo(zone)).isoformat()
