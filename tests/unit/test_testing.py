"""The settable clock: time stands still until it is told to move."""

import pytest

from scheduler.clock import Clock, SystemClock
from scheduler.testing import SettableClock


def test_time_stands_still_until_it_is_advanced() -> None:
    clock: Clock = SettableClock(100.0, monotonic=7.0)
    assert (clock.now(), clock.now(), clock.monotonic()) == (100.0, 100.0, 7.0)


def test_advancing_moves_both_clocks() -> None:
    clock = SettableClock(100.0)
    clock.advance(2.5)
    assert (clock.now(), clock.monotonic()) == (102.5, 2.5)


def test_setting_the_wall_clock_back_lets_no_time_pass() -> None:
    clock = SettableClock(100.0, monotonic=7.0)
    clock.set(40.0)
    assert (clock.now(), clock.monotonic()) == (40.0, 7.0)


def test_time_cannot_pass_backwards() -> None:
    clock = SettableClock(100.0)
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)
    assert clock.now() == 100.0


def test_sleeping_until_an_instant_lets_time_pass_until_then_and_never_back() -> None:
    clock = SettableClock(100.0, monotonic=7.0)
    clock.sleep_until(100.5, at_most_seconds=1.0)
    clock.sleep_until(40.0, at_most_seconds=1.0)
    assert (clock.now(), clock.monotonic()) == (100.5, 7.5)


def test_nobody_sleeps_for_an_hour_because_the_clock_was_set_back() -> None:
    clock = SettableClock(100.0)
    clock.sleep_until(3700.0, at_most_seconds=0.01)
    assert clock.now() == 100.01
    machine = SystemClock()
    machine.sleep_until(machine.now() + 3600.0, at_most_seconds=0.01)


def test_who_sleeps_until_an_instant_wakes_no_earlier() -> None:
    machine = SystemClock()
    instant = machine.now() + 0.01
    machine.sleep_until(instant, at_most_seconds=1.0)
    assert machine.now() >= instant
