"""User code's values and exceptions as text that can be stored and shown."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler import runner
from scheduler.runner.failure import describe
from scheduler.runner.text import bounded, clean, describe_value, with_known_names


@given(st.text(alphabet=st.characters()))
def test_cleaned_text_can_be_stored_anywhere(text: str) -> None:
    cleaned = clean(text + "\0\ud800")
    assert "\0" not in cleaned
    cleaned.encode("utf-8")
    assert clean(cleaned) == cleaned


def test_cleaning_leaves_good_text_alone() -> None:
    assert clean("grün 日本 \U0001f600\n\t") == "grün 日本 \U0001f600\n\t"


def test_bounded_text_keeps_its_head_and_tail() -> None:
    assert bounded("short", 10) == "short"
    text = bounded("a" * 500 + "b" * 500, 100)
    assert text.startswith("a" * 50 + "\n")
    assert text.endswith("\n" + "b" * 50)
    assert "900 characters left out" in text


@pytest.mark.parametrize(
    "value",
    [None, 0, 1.5, True, "text", b"bytes", [3, 1, 2], (1,), (), {"b": 1, "a": [{}]}, set(), 10**50],
)
def test_everyday_values_look_as_their_repr(value: object) -> None:
    assert describe_value(value) == repr(value)


HUGE = {
    "text": "x" * 10**7,
    "bytes": b"x" * 10**7,
    "list": ["x" * 10**6] * 100,
    "dict": dict.fromkeys(range(10**5)),
    "int": 10**9999,  # repr() refuses it
}


@pytest.mark.parametrize("kind", HUGE)
def test_huge_values_are_described_shortly(kind: str) -> None:
    assert len(describe_value(HUGE[kind])) < 4_100


def test_a_value_that_contains_itself_is_described() -> None:
    value: list[Any] = []
    value.append(value)
    assert describe_value(value)


def test_an_exception_chain_is_told_whole() -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError as first:
            raise ValueError("second") from first
    except ValueError as error:
        told = describe(error, file=__file__)
    assert told.error_type == "ValueError"
    assert told.message == "second"
    assert "KeyError: 'first'" in told.traceback
    assert told.line is not None


def test_a_syntax_error_knows_its_line() -> None:
    with pytest.raises(SyntaxError) as caught:
        compile("a = 1\nb = = 2", "user.py", "exec")
    assert describe(caught.value, file="user.py").line == 2


def test_no_exception_of_a_chain_or_a_group_shows_our_own_frames() -> None:
    def ours() -> None:
        compiled = compile("raise KeyError('inner')", f"{runner.__path__[0]}/ours.py", "exec")
        exec(compiled)  # noqa: S102 - a frame of a file in our folder

    def users() -> None:
        try:
            ours()
        except KeyError as error:
            raise ExceptionGroup("all", [ValueError("one"), error]) from error

    with pytest.raises(ExceptionGroup) as caught:
        users()

    traceback = describe(caught.value).traceback
    assert "KeyError: 'inner'" in traceback
    assert "ours.py" not in traceback


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("<class '_scheduled_0f314ef0.jobs.Thing'>", "<class 'jobs.Thing'>"),
        ("cannot import name 'x' from '_scheduled_0f314ef0'", "cannot import name 'x' from '.'"),
        ("a _scheduled_ job", "a _scheduled_ job"),
    ],
)
def test_modules_have_the_names_that_users_gave_them(text: str, known: str) -> None:
    assert with_known_names(text) == known
