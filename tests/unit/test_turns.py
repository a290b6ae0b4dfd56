"""Turns: each is taken by the executor or taken back by the worker, never both."""

from collections.abc import Iterator

import pytest

from scheduler.runner.turns import Turns, TurnTaker


@pytest.fixture
def turns() -> Iterator[Turns]:
    turns = Turns()
    yield turns
    turns.close()


@pytest.fixture
def taker(turns: Turns) -> TurnTaker:
    return TurnTaker(turns.theirs)


def test_there_are_as_many_turns_as_were_given(turns: Turns, taker: TurnTaker) -> None:
    turns.give(3)
    assert [taker.take() for _ in range(4)] == [True, True, True, False]


def test_what_is_taken_back_cannot_be_taken(turns: Turns, taker: TurnTaker) -> None:
    turns.give(3)
    assert taker.take()
    assert turns.take_back() == 2
    assert not taker.take()
    assert turns.take_back() == 0


def test_a_batch_is_over_when_its_executor_says_so(turns: Turns, taker: TurnTaker) -> None:
    assert turns.is_over(), "there is none"
    for _ in range(2):
        turns.give(1)
        assert not turns.is_over()
        assert taker.take()
        taker.end()
        assert turns.is_over()


def test_no_turn_is_given_before_the_batch_is_over(turns: Turns) -> None:
    turns.give(2)
    turns.take_back()
    with pytest.raises(AssertionError, match="goes on"):
        turns.give(1)
