"""Duties are done at their own pace, and together where their paces agree."""

from scheduler.errors import DatabaseUnavailableError
from scheduler.maintenance.duties import Duty, next_duty_at


def test_a_duty_is_done_at_once_and_then_at_its_pace() -> None:
    done: list[float] = []
    duty = Duty("count", 1.0, done.append)

    for tenths in range(25):
        duty.run_if_due(tenths / 10, 100 + tenths / 10)

    assert done == [0.0, 1.0, 2.0]


def test_duties_that_were_due_together_stay_together_though_each_wake_up_is_a_little_late() -> None:
    often, seldom = Duty("often", 1.0, lambda _: None), Duty("seldom", 2.0, lambda _: None)
    monotonic, wake_ups = 100.0, 0

    while monotonic < 110:
        for duty in (often, seldom):
            duty.run_if_due(0.0, monotonic)
        wake_ups += 1
        monotonic = next_duty_at([often, seldom]) + 0.001

    assert wake_ups == 10


def test_a_duty_that_was_held_up_is_not_made_up_for() -> None:
    done: list[float] = []
    duty = Duty("count", 1.0, done.append)

    for now in (100.0, 107.5, 108.0, 108.5):
        duty.run_if_due(now, now)

    assert done == [100.0, 107.5, 108.5]


def test_a_duty_that_fails_is_due_again() -> None:
    def fail(_now: float) -> None:
        raise DatabaseUnavailableError("locked")

    duty = Duty("fail", 1.0, fail)

    duty.run_if_due(0.0, 100.0)

    assert duty.next_at == 101.0
