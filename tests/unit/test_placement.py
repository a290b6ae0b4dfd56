"""Where a function stands on its grid when it is new, changed, back, or the clock was set back."""

from scheduler.decorators import ScheduleSpec
from scheduler.policy import (
    Placement,
    decide_clock_set_back,
    place_changed,
    place_new,
    place_returned,
)
from scheduler.triggers import CronTrigger, IntervalTrigger

TEN_MINUTES = ScheduleSpec(interval_seconds=600)
QUARTERS = ScheduleSpec(interval_seconds=900, start="1970-01-01T00:00:00")
HOURLY = ScheduleSpec(cron="0 * * * *")


def test_a_new_interval_function_runs_at_once_and_is_anchored_there() -> None:
    assert place_new(TEN_MINUTES, timezone="UTC", now=1234.5678) == Placement(1234.568, 1234.568)


def test_a_new_function_with_a_past_start_begins_at_the_next_point_of_that_grid() -> None:
    assert place_new(QUARTERS, timezone="UTC", now=1000) == Placement(0, 1800)
    assert place_new(QUARTERS, timezone="UTC", now=1800) == Placement(0, 1800)


def test_a_new_function_with_a_future_start_waits_for_it() -> None:
    spec = ScheduleSpec(interval_seconds=900, start="1970-01-02T00:00:00")
    assert place_new(spec, timezone="UTC", now=1000) == Placement(86400, 86400)


def test_a_naive_start_is_placed_in_the_functions_time_zone() -> None:
    spec = ScheduleSpec(interval_seconds=900, start="1970-01-02T01:00:00")
    assert place_new(spec, timezone="Europe/Berlin", now=0) == Placement(86400, 86400)


def test_a_new_cron_function_begins_with_the_first_fire_after_discovery() -> None:
    assert place_new(HOURLY, timezone="UTC", now=3600) == Placement(None, 7200)


def test_a_changed_interval_counts_from_the_last_slot() -> None:
    place = place_changed(TEN_MINUTES, timezone="UTC", last_slot_at=1000, now=1100)
    assert place == Placement(1000, 1600)


def test_a_slot_that_was_decided_a_moment_ahead_is_the_last_one() -> None:
    ahead = place_changed(TEN_MINUTES, timezone="UTC", last_slot_at=1000, now=999.995)
    set_back = place_changed(TEN_MINUTES, timezone="UTC", last_slot_at=1000, now=700)
    assert ahead == Placement(1000, 1600)
    assert set_back == Placement(700, 700)


def test_a_changed_interval_whose_next_slot_has_passed_runs_now() -> None:
    place = place_changed(TEN_MINUTES, timezone="UTC", last_slot_at=1000, now=5000)
    assert place == Placement(5000, 5000)


def test_a_change_before_the_first_slot_is_like_a_new_function() -> None:
    place = place_changed(TEN_MINUTES, timezone="UTC", last_slot_at=None, now=5000)
    assert place == Placement(5000, 5000)


def test_a_change_to_cron_or_to_a_start_takes_the_new_grid() -> None:
    cron = place_changed(HOURLY, timezone="UTC", last_slot_at=1000, now=1100)
    start = place_changed(QUARTERS, timezone="UTC", last_slot_at=1000, now=1100)
    assert cron == Placement(None, 3600)
    assert start == Placement(0, 1800)


def test_a_change_after_the_clock_was_set_back_does_not_wait_for_the_old_time() -> None:
    place = place_changed(TEN_MINUTES, timezone="UTC", last_slot_at=90_000, now=5000)
    assert place == Placement(5000, 5000)


def test_a_function_that_returns_goes_on_with_its_old_grid_from_now_on() -> None:
    trigger = IntervalTrigger(600, 100)
    assert place_returned(trigger, next_run_at=700, now=5000) == 5500
    assert place_returned(trigger, next_run_at=5500, now=5000) == 5500
    assert place_returned(trigger, next_run_at=None, now=4900) == 4900


def test_a_clock_set_back_gives_an_interval_a_new_anchor_at_now() -> None:
    trigger = IntervalTrigger(60, 1000)
    place = decide_clock_set_back(trigger, next_run_at=9040, has_start=False, now=5000)
    assert place == Placement(5000, 5000)


def test_a_clock_set_back_by_an_interval_or_less_changes_nothing() -> None:
    trigger = IntervalTrigger(60, 1000)
    for now in (9040, 9000, 8980, 8920):
        assert decide_clock_set_back(trigger, next_run_at=9040, has_start=False, now=now) is None


def test_a_clock_set_back_keeps_a_grid_that_has_a_start() -> None:
    trigger = IntervalTrigger(900, 0)
    place = decide_clock_set_back(trigger, next_run_at=90_000, has_start=True, now=1000)
    assert place == Placement(0, 1800)


def test_a_start_in_the_future_is_not_taken_for_a_clock_set_back() -> None:
    trigger = IntervalTrigger(60, 90_000)
    assert decide_clock_set_back(trigger, next_run_at=90_000, has_start=True, now=1000) is None


def test_a_discovery_before_the_clock_was_set_back_is_not_waited_for() -> None:
    trigger = IntervalTrigger(60, 90_000)
    place = decide_clock_set_back(trigger, next_run_at=90_000, has_start=False, now=1000)
    assert place == Placement(1000, 1000)


def test_a_clock_set_back_lets_cron_fire_at_its_next_time() -> None:
    trigger = CronTrigger("0 * * * *", "UTC")
    place = decide_clock_set_back(trigger, next_run_at=36_000, has_start=False, now=5000)
    assert place == Placement(None, 7200)
    assert decide_clock_set_back(trigger, next_run_at=10_800, has_start=False, now=5000) is None
