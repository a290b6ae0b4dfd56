"""The arithmetic of slots: interval grids that never drift, and what both triggers promise."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scheduler.clock import round_ms
from scheduler.errors import ScheduleError
from scheduler.triggers import (
    CronTrigger,
    IntervalTrigger,
    Trigger,
    build_trigger,
    first_from,
    start_at,
)

INTERVALS = st.one_of(
    st.sampled_from([0.01, 0.1, 0.3, 0.333333, 1 / 3, 0.7, 1.0, 1.001, 60.0, 86400.0, 604800.0]),
    st.floats(min_value=0.01, max_value=1e7),
)
ANCHORS = st.floats(min_value=0, max_value=4e9)
CRONS = st.sampled_from(
    ["* * * * *", "*/7 * * * *", "0 7 * * MON-FRI", "30 2 * * *", "0 0 29 2 *", "0 */2 * * *"]
    + ["15,45 1-3 * * *", "0 0 L * *", "0 12 * * SUN#2", "*/20 * * * * *"]
)
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago"]
    + ["America/Nuuk", "Asia/Kolkata", "America/Havana"]
)
NOWS = st.floats(min_value=1.7e9, max_value=1.9e9)
INTERVAL_TRIGGERS = st.builds(IntervalTrigger, INTERVALS, ANCHORS)
CRON_TRIGGERS = st.builds(CronTrigger, CRONS, ZONES)
TRIGGERS: st.SearchStrategy[Trigger] = st.one_of(INTERVAL_TRIGGERS, CRON_TRIGGERS)


@given(interval=INTERVALS, anchor=ANCHORS, index=st.integers(0, 10**9))
@example(interval=0.01, anchor=1.8e9, index=10**9)
@example(interval=1 / 3, anchor=1.8e9, index=10**9)
def test_a_slot_is_computed_from_the_anchor_and_never_drifts(
    interval: float, anchor: float, index: int
) -> None:
    slot = round_ms(anchor + index * interval)
    trigger = IntervalTrigger(interval, anchor)
    assert trigger.latest_until(slot) == slot
    assert trigger.next_after(slot) == round_ms(anchor + (index + 1) * interval)


@given(trigger=TRIGGERS, at=NOWS)
def test_the_next_slot_is_later_and_no_slot_lies_in_between(trigger: Trigger, at: float) -> None:
    following = trigger.next_after(at)
    assert following is not None
    assert following > at
    before = trigger.latest_until(following - 0.0005)
    assert before is None or before <= at


@given(trigger=TRIGGERS, at=NOWS)
def test_slots_are_whole_milliseconds_and_their_own_latest(trigger: Trigger, at: float) -> None:
    slot = trigger.next_after(at)
    assert slot is not None
    assert slot == round_ms(slot)
    assert trigger.latest_until(slot) == slot
    assert first_from(trigger, slot) == slot


@given(trigger=TRIGGERS, at=NOWS, steps=st.integers(0, 40))
def test_counting_stepping_and_listing_agree(trigger: Trigger, at: float, steps: int) -> None:
    slots = _step(trigger, at, steps + 1)
    first, last = slots[0], slots[-1]
    assert list(trigger.between(first, last)) == slots
    assert trigger.count(first, last) == len(slots)
    assert trigger.newest(5, first, last) == slots[-5:]
    assert trigger.newest(10**6, first, last) == slots


@given(trigger=TRIGGERS, first=NOWS, seconds=st.floats(0, 400_000), cut=st.floats(0, 1))
def test_two_neighbouring_ranges_count_what_the_whole_counts(
    trigger: Trigger, first: float, seconds: float, cut: float
) -> None:
    last, middle = first + seconds, first + seconds * cut
    behind = trigger.next_after(middle)
    assert behind is not None
    parts = trigger.count(first, middle) + trigger.count(behind, last)
    assert parts == trigger.count(first, last)


@given(trigger=TRIGGERS, at=NOWS)
def test_a_range_that_ends_before_it_begins_is_empty(trigger: Trigger, at: float) -> None:
    assert trigger.count(at, at - 1) == 0
    assert trigger.newest(3, at, at - 1) == []
    assert list(trigger.between(at, at - 1)) == []


def test_an_interval_has_no_slot_before_its_anchor() -> None:
    trigger = IntervalTrigger(60, 1000)
    assert trigger.latest_until(999.999) is None
    assert trigger.next_after(-5000) == 1000
    assert trigger.count(0, 1000) == 1
    assert trigger.newest(3, 0, 1060) == [1000, 1060]


def test_a_third_of_a_second_keeps_its_grid_over_a_year() -> None:
    trigger = IntervalTrigger(1 / 3, 1_800_000_000.0)
    year = 365 * 86400
    assert trigger.latest_until(1_800_000_000.0 + year) == 1_800_000_000.0 + year
    assert trigger.count(1_800_000_000.0, 1_800_000_000.0 + year) == 3 * year + 1


def test_counting_a_century_of_hundredths_of_a_second_is_arithmetic() -> None:
    trigger = IntervalTrigger(0.01, 0)
    assert trigger.count(0, 100 * 365 * 86400) == 100 * 365 * 86400 * 100 + 1


def test_the_newest_slots_of_a_century_of_minutes_come_without_listing_it() -> None:
    trigger = CronTrigger("* * * * *", "Europe/Berlin")
    assert trigger.newest(2, 0, 4_000_000_000) == [3_999_999_900, 3_999_999_960]


def test_a_trigger_is_built_from_a_functions_columns() -> None:
    interval = build_trigger(interval_seconds=5.0, anchor_at=7.0, cron=None, timezone="UTC")
    cron = build_trigger(interval_seconds=None, anchor_at=None, cron="0 7 * * *", timezone=None)
    assert interval == IntervalTrigger(5.0, 7.0)
    assert cron == CronTrigger("0 7 * * *", "UTC")


@pytest.mark.parametrize(
    ("interval_seconds", "anchor_at"), [(None, 1.0), (5.0, None), (0.0, 1.0), (-1.0, 1.0)]
)
def test_columns_that_are_no_schedule_are_refused(
    interval_seconds: float | None, anchor_at: float | None
) -> None:
    with pytest.raises(ScheduleError, match=r"^interval: "):
        build_trigger(
            interval_seconds=interval_seconds, anchor_at=anchor_at, cron=None, timezone=None
        )


def test_a_naive_start_is_meant_in_the_functions_time_zone() -> None:
    assert start_at("2026-07-01T12:00:00", "Europe/Berlin") == 1_782_900_000.0
    assert start_at("2026-07-01T12:00:00", None) == 1_782_907_200.0


def test_a_start_with_an_offset_ignores_the_time_zone() -> None:
    assert start_at("2026-07-01T12:00:00+02:00", "Asia/Tokyo") == 1_782_900_000.0


@pytest.mark.parametrize(
    ("start", "timezone", "argument"), [("soon", None, "start"), ("2026-07-01", "Mars", "timezone")]
)
def test_a_start_that_means_no_instant_names_the_argument(
    start: str, timezone: str | None, argument: str
) -> None:
    with pytest.raises(ScheduleError, match=rf"^{argument}: "):
        start_at(start, timezone)


def _step(trigger: Trigger, at: float, steps: int) -> list[float]:
    slots: list[float] = []
    for _ in range(steps):
        following = trigger.next_after(at)
        assert following is not None
        slots.append(at := following)
    return slots
