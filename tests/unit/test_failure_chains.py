"""Chains of exceptions and groups of them: all is told when they are few, the ends when many."""

import re
import traceback
from collections.abc import Callable

import pytest

from scheduler.runner.failure import describe
from scheduler.runner.text import TRACEBACK_LIMIT


class ShyError(Exception):
    """Has all that an exception may not be asked for."""

    def __bool__(self) -> bool:
        raise AssertionError("asked whether it is true")

    def __len__(self) -> int:
        raise AssertionError("asked for its length")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared")

    __hash__ = None  # type: ignore[assignment]


def _caught(raise_it: Callable[[], object]) -> Exception:
    try:
        raise_it()
    except Exception as error:  # noqa: BLE001 - whatever it raises
        return error
    raise AssertionError("it raised nothing")


def _chain(length: int, kind: type[Exception] = ValueError) -> Exception:
    """Return the last of exceptions that were raised one from another."""

    def raise_from(before: Exception | None, number: int) -> None:
        raise kind(f"number {number}") from before

    error = None
    for number in range(length):
        error = _caught(lambda before=error, number=number: raise_from(before, number))  # type: ignore[misc]
    assert error is not None
    return error


def _tree(depth: int, width: int) -> Exception:
    if depth == 0:
        return ValueError("leaf")
    return ExceptionGroup(f"level {depth}", [_tree(depth - 1, width) for _ in range(width)])


def _raised_while_handled() -> None:
    try:
        raise KeyError("first")
    except KeyError:
        raise ValueError("second")


def _raised_from_none() -> None:
    try:
        raise KeyError("first")
    except KeyError:
        raise ValueError("second") from None


def _with_notes() -> None:
    error = ValueError("noted")
    error.add_note("a note")
    raise error from _chain(3)


def _in_a_group() -> None:
    groups = [ExceptionGroup("inner", [_chain(3), OSError(2, "gone")]), KeyError("k")]
    raise ExceptionGroup("outer", groups) from _caught(_raised_while_handled)


def _in_a_circle() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    raise one


def _misspelt_syntax() -> None:
    compile("a = = 1", "file.py", "exec")


def _misspelt_name() -> None:
    "".lowr()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "raise_it",
    [
        _raised_while_handled,
        _raised_from_none,
        _with_notes,
        _in_a_group,
        _in_a_circle,
        _misspelt_syntax,
        _misspelt_name,
    ],
)
def test_what_is_not_long_looks_as_python_shows_it(raise_it: Callable[[], object]) -> None:
    error = _caught(raise_it)
    assert describe(error).traceback == "".join(traceback.format_exception(error))


def test_of_a_long_chain_the_first_and_last_are_told_and_the_rest_counted() -> None:
    failure = describe(_chain(20_000))
    assert (failure.error_type, failure.message) == ("ValueError", "number 19999")
    told = [int(number) for number in re.findall(r"ValueError: number (\d+)", failure.traceback)]
    assert told == [*range(15), *range(19_985, 20_000)]
    assert "... 19,970 of the 20,000 exceptions of this chain left out ..." in failure.traceback
    assert failure.traceback.count("direct cause of the following") == len(told) - 1


def test_a_cut_chain_still_says_how_the_last_came_about() -> None:
    error = ValueError("last")
    error.__context__ = _chain(100)
    text = describe(error).traceback
    assert text.count("direct cause of the following") == 28
    assert text.count("During handling of the above") == 1
    assert text.endswith("another exception occurred:\n\nValueError: last\n")


def test_of_a_large_tree_of_groups_some_leaves_are_told_and_the_rest_counted() -> None:
    failure = describe(_tree(6, 6))
    assert (failure.error_type, failure.message) == (
        "ExceptionGroup",
        "level 6 (6 sub-exceptions)",
    )
    assert "ValueError: leaf" in failure.traceback
    assert failure.traceback.count("ExceptionGroup: level 5") == 6
    assert len(re.findall(r"(ValueError|ExceptionGroup): l", failure.traceback)) == 100
    assert "... 3 of its 6 exceptions left out ..." in failure.traceback
    assert len(failure.traceback) < TRACEBACK_LIMIT + 100


def test_of_a_wide_group_the_first_members_are_told() -> None:
    text = describe(
        ExceptionGroup("wide", [ValueError(number) for number in range(50_000)])
    ).traceback
    assert re.findall(r"ValueError: (\d+)", text) == [*map(str, range(15))]
    assert "... 49,985 of its 50,000 exceptions left out ..." in text


def test_a_group_that_holds_the_same_again_and_again_is_bounded() -> None:
    group: Exception = ValueError("leaf")
    for _ in range(60):
        group = ExceptionGroup("twice", [group, group])
    told = describe(group).traceback.count("ExceptionGroup: twice")
    assert 10 < told <= 100


def test_exceptions_are_asked_nothing() -> None:
    error = ExceptionGroup("all", [_chain(3, ShyError), ShyError("alone")])
    error.__context__ = ShyError("before")
    text = describe(error).traceback
    for message in ("number 0", "number 1", "number 2", "alone", "before"):
        assert f"ShyError: {message}\n" in text
