"""The settable clock: time stands still until it is told to move."""

import pytest

from scheduler.clock import Clock
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
