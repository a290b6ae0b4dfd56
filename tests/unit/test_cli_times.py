"""Instants as people say and type them."""

import zoneinfo

import pytest

from scheduler.cli.times import Moment, Times
from scheduler.config import load_config
from scheduler.errors import UsageError

NOW = 1_772_348_400.5  # 2026-03-01 07:00:00.5 UTC, a Sunday


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("now", NOW),
        ("1772348400", 1_772_348_400.0),
        ("1772348400.25", 1_772_348_400.25),
        ("07:00", 1_772_348_400.0),
        ("7:00:30", 1_772_348_430.0),
        ("23:59", 1_772_348_400.0 + 16 * 3600 + 59 * 60),
        ("2026-03-01T07:00", 1_772_348_400.0),
        ("2026-03-01 07:00:00", 1_772_348_400.0),
        ("2026-03-01T08:00:00+01:00", 1_772_348_400.0),
        ("2026-03-01T07:00:00Z", 1_772_348_400.0),
        ("2026-03-01", 1_772_348_400.0 - 7 * 3600),
        ("20260301", 1_772_348_400.0 - 7 * 3600),
        ("07:00:00.25", 1_772_348_400.25),
        ("07:00 UTC", 1_772_348_400.0),
        ("1970-01-01 00:00:00 UTC", 0.0),
        ("20260301T070005", 1_772_348_405.0),
        ("2026-03-01 07:00:00.250 UTC", 1_772_348_400.25),
    ],
)
def test_a_time_is_read_in_every_form(text: str, instant: float) -> None:
    assert Times(NOW, "UTC").parse(text) == instant


def test_utc_needs_no_time_zone_database() -> None:
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    try:
        config = load_config(None, {"SCHEDULER_SCAN_PATHS": "f", "SCHEDULER_TIMEZONE": "UTC"})
        assert Times(NOW, config.timezone).full(NOW) == "2026-03-01 07:00:00.500 UTC"
    finally:
        zoneinfo.reset_tzpath()


def test_a_time_of_day_is_meant_in_the_functions_time_zone() -> None:
    assert Times(NOW, "Europe/Berlin").parse("08:00") == 1_772_348_400.0
    assert Times(NOW, "America/New_York").parse("2026-03-01T02:00") == 1_772_348_400.0


@pytest.mark.parametrize(
    "at",
    [
        NOW,
        1_772_348_400.0,
        1_792_884_600.25,  # 02:30 in Berlin on the day the clock goes back: the first
        1_792_888_200.25,  # and the second
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu"])
def test_what_is_said_in_full_is_read_as_the_same_instant(at: float, zone: str) -> None:
    times = Times(NOW, zone)
    assert times.parse(times.full(at)) == at


def test_a_time_means_as_much_as_it_does_not_say() -> None:
    times = Times(NOW, "Europe/Berlin")
    assert times.parse_moment("08:00").within_seconds == 60
    assert times.parse_moment("08:00:00").within_seconds == 1
    assert times.parse_moment("08:00:00.000").within_seconds == 0.001
    assert times.parse_moment("2026-03-01 08:00:00.500 CET") == Moment(NOW, 0.001)
    assert times.parse_moment("now") == Moment(NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("20260301T070005", 1), ("20260301T0700", 60), ("20260301T070005.000", 0.001)),
        *(("2026-03-01T07:00+01:00", 60), ("2026-03-01T07:00:00+0100", 1), ("2026-03-01", 60)),
        *(("7:00:30", 1), ("07:00 UTC", 60), ("2026-W09-7T07:00", 60), ("1772348400", 1)),
    ],
)
def test_how_much_a_time_says_is_what_was_written(text: str, seconds: float) -> None:
    assert Times(NOW, "UTC").parse_moment(text).within_seconds == seconds


@pytest.mark.parametrize(
    ("zone", "text"),
    [("America/New_York", "9999-12-31T23:59:59"), ("Europe/Berlin", "0001-01-01T00:00:00")],
)
def test_an_instant_that_no_calendar_can_show_is_no_time(zone: str, text: str) -> None:
    with pytest.raises(UsageError, match="cannot read the time"):
        Times(NOW, zone).parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "25:00", "07:60", "2026-13-01", "7", "0", "epoch"),
        *("07:00 CEST", "UTC", " UTC", "07:00 ", "2026-03-01T07:00Z CET"),
    ],
)
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="write 2026-03-01T07:00, .* or seconds since 1970"):
        Times(NOW, "UTC").parse(text)


def test_a_time_is_said_with_its_zone_and_milliseconds_where_there_are_any() -> None:
    assert Times(NOW, "UTC").full(NOW) == "2026-03-01 07:00:00.500 UTC"
    assert Times(NOW, "Europe/Berlin").full(1_772_348_400.0) == "2026-03-01 08:00:00 CET"


def test_a_slot_after_the_last_year_is_said_and_no_error() -> None:
    assert Times(NOW, "UTC").full(253_402_300_800.0) == "a time that no calendar shows"


def test_a_column_says_the_day_only_where_it_is_not_today() -> None:
    times = Times(NOW, "UTC")

    assert times.clock(NOW - 3600) == "06:00:00"
    assert times.clock(NOW - 86400) == "Feb 28 07:00"
    assert times.clock(NOW - 86400 * 365) == "2025-03-01"
    assert times.clock(None) == ""


def test_distances_are_seen_from_now() -> None:
    times = Times(NOW, "UTC")

    assert times.ago(NOW - 12.9) == "12s ago"
    assert times.ago(None) == "never"
    assert times.until(NOW + 8.1) == "in 8s"
    assert times.until(NOW - 1) == "due"
    assert times.until(None) == ""


@pytest.mark.parametrize(
    ("text", "is_skipped"),
    [
        ("2027-03-28 02:30", True),
        ("2027-03-28T02:00:00.5", True),
        ("2027-03-28 03:00", False),
        ("2027-10-31 02:30", False),  # comes twice
        ("2027-03-28T02:30+00:00", False),
        ("2027-03-28 02:30 UTC", False),
        ("1772348400", False),
        ("now", False),
    ],
)
def test_a_time_that_clocks_skip_is_known(text: str, is_skipped: bool) -> None:
    assert Times(NOW, "Europe/Berlin").is_skipped(text) is is_skipped
