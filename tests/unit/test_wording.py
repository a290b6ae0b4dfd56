"""How durations, distances and sizes are said: times floor, never round."""

import pytest

from scheduler import wording


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0ms"),
        (0, "0ms"),
        (0.0005, "0ms"),
        (0.808, "808ms"),
        (0.9999, "999ms"),
        (1, "1.0s"),
        (3.49, "3.4s"),
        (59.99, "59.9s"),
        (60, "1m 00s"),
        (3599.9, "59m 59s"),
        (3600, "1h 00m"),
        (86399, "23h 59m"),
        (100_000, "1d 03h"),
    ],
)
def test_a_duration_has_the_precision_that_matters(seconds: float, said: str) -> None:
    assert wording.duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(-9, "0s ago"), (0.9, "0s ago"), (40, "40s ago"), (100, "1m 40s ago")]
)
def test_the_past_is_told_in_whole_seconds_and_never_lies_ahead(seconds: float, said: str) -> None:
    assert wording.ago(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "due"), (0, "due"), (0.5, "now"), (1, "in 1s"), (8, "in 8s"), (7199, "in 1h 59m")],
)
def test_the_future_is_due_once_it_has_come(seconds: float, said: str) -> None:
    assert wording.until(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.01, "10ms"),
        (0.25, "250ms"),
        (1, "1s"),
        (1.5, "1.5s"),
        (90, "1m 30s"),
        (300, "5m"),
        (5400, "1h 30m"),
        (86400, "1d"),
        (90061, "1d 1h 1m 1s"),
        (1 / 3, "0.333333s"),
    ],
)
def test_an_interval_is_said_exactly(seconds: float, said: str) -> None:
    assert wording.every(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KB"),
        (1_048_575, "1023.9 KB"),
        (5 * 2**40, "5.0 TB"),
    ],
)
def test_a_size_is_said_in_its_unit(count: int, said: str) -> None:
    assert wording.size(count) == said


def test_one_thing_is_singular_and_thousands_are_grouped() -> None:
    assert wording.plural(1, "run") == "1 run"
    assert wording.plural(0, "run") == "0 runs"
    assert wording.plural(2000, "run") == "2,000 runs"


def test_a_text_for_a_table_has_no_control_characters() -> None:
    assert wording.plain("two\nlines\x1b[31m") == "two lines [31m"
    assert wording.plain("größe 好") == "größe 好"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\x1b[31m\r\x85b", r"a\x1b[31m\r\x85b"),
        ("line\n\tnext", "line\n\tnext"),
        ("abc\u202etxt\u2066", r"abc\u202etxt\u2066"),
        ("\ud800", r"\ud800"),
        *((text, text) for text in ("a\u00a0b", "好\u3000好", "👩\u200d💻", "größe")),
    ],
)
def test_only_what_controls_a_terminal_is_written_out(text: str, said: str) -> None:
    assert wording.visible(text) == said


@pytest.mark.parametrize(("number", "said"), [(9, "SIGKILL"), (35, "real-time signal 35")])
def test_every_signal_has_a_name(number: int, said: str) -> None:
    assert wording.signal_name(number) == said


def test_only_a_close_word_is_proposed() -> None:
    assert wording.did_you_mean("stats", ["status", "list"]) == "did you mean 'status'?"
    assert wording.did_you_mean("zebra", ["status", "list"]) == ""
