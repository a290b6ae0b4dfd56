"""The same line again and again: told now and then, with how often it came."""

from scheduler.repetition import Repetitions


def test_the_same_is_left_out_for_a_while_and_then_told_with_its_number() -> None:
    repetitions = Repetitions(10.0)

    assert repetitions.admit("no queue", 100.0) == 0
    assert [repetitions.admit("no queue", at) for at in (100.1, 101.0, 109.9)] == [None] * 3
    assert repetitions.admit("no queue", 110.0) == 3
    assert repetitions.admit("no queue", 111.0) is None


def test_what_is_not_the_same_is_told() -> None:
    repetitions = Repetitions(10.0)

    assert [repetitions.admit(f"run {number} is lost", 100.0) for number in range(3)] == [0, 0, 0]


def test_what_comes_back_after_a_while_is_told_at_once() -> None:
    repetitions = Repetitions(10.0)
    repetitions.admit("no queue", 100.0)

    assert repetitions.admit("no queue", 500.0) == 0


def test_more_different_lines_than_it_can_remember_are_all_told() -> None:
    repetitions = Repetitions(10.0)

    assert {repetitions.admit(f"run {number}", 100.0) for number in range(5_000)} == {0}
    assert repetitions.admit("no queue", 200.0) == 0  # those of before are forgotten by now
    assert repetitions.admit("no queue", 201.0) is None
