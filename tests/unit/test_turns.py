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


def test_a_batch_is_over_when_its_own_end_was_told(turns: Turns, taker: TurnTaker) -> None:
    first = turns.give(1)
    assert not turns.is_over()
    taker.end(first)
    assert turns.is_over()
    second = turns.give(1)
    taker.end(first)
    assert not turns.is_over()
    taker.end(second)
    assert turns.is_over()


def test_the_numbers_of_batches_fit_into_a_byte(turns: Turns, taker: TurnTaker) -> None:
    for _ in range(600):
        number = turns.give(1)
        assert taker.take()
        taker.end(number)
        assert turns.is_over()
