"""The end of an outage: told once, when it is sure, with how long nothing worked."""

import pytest

from scheduler.outages import CALM_SECONDS, Outage
from scheduler.testing import SettableClock

SAID = "INFO: the queue can be used again"


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(0.0)


def test_what_works_again_is_told_once_with_how_long_it_did_not(
    clock: SettableClock, capsys: pytest.CaptureFixture[str]
) -> None:
    outage = Outage(clock)
    outage.note_failure()
    clock.advance(40.0)
    outage.note_failure()
    clock.advance(1.5)
    outage.note_success("the queue")
    assert outage.is_on
    assert capsys.readouterr().err == ""

    clock.advance(CALM_SECONDS)
    outage.note_success("the queue")
    outage.note_success("the queue")

    assert not outage.is_on
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"{SAID} lasted_seconds=41.5")


def test_what_works_between_failures_is_no_good_news(
    clock: SettableClock, capsys: pytest.CaptureFixture[str]
) -> None:
    outage = Outage(clock)
    for _ in range(20):  # a full disk: reads work, the next write does not
        outage.note_failure()
        clock.advance(CALM_SECONDS / 2)
        outage.note_success("the queue")
        clock.advance(CALM_SECONDS / 4)

    assert outage.is_on
    assert capsys.readouterr().err == ""


def test_the_next_outage_begins_anew(
    clock: SettableClock, capsys: pytest.CaptureFixture[str]
) -> None:
    outage = Outage(clock)
    for failing_seconds in (40.0, 2.0):
        outage.note_failure()
        clock.advance(failing_seconds)
        outage.note_failure()
        clock.advance(CALM_SECONDS)
        outage.note_success("the queue")

    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition("=")[2] for line in lines] == ["50", "12"]
