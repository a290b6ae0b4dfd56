"""`explain` over a whole life: what it says of every slot agrees with what has happened there."""

import pytest

from scheduler.cli.verdicts import Explanation, explain_instant
from scheduler.db import functions
from scheduler.db.clock_steps import return_into_reach
from scheduler.db.finishes import finish, reap
from scheduler.db.reports import find_function
from scheduler.db.runs import cancel
from scheduler.executor.call import Outcome
from tests.db.rows import NOW, WORKER, delete_old_runs, discover, run_one, tick

pytestmark = pytest.mark.usefixtures("database")

NAME = "reports.send"
MINUTE = 60.0


def at(minute: float) -> float:
    """Return the instant so many slots after the first one."""
    return NOW + minute * MINUTE


def explain(minute: float, *, now: float, has_ticker: bool = True) -> Explanation:
    function = find_function(NAME)
    return explain_instant(function, at(minute), now=at(now), has_ticker=has_ticker)


def live() -> None:
    """Let a function of one minute live through all that may become of a slot, up to minute 26."""
    discover(NAME)
    for minute, status in enumerate(("success", "error", "timeout")):
        finish(run_one(at(minute)), Outcome(status=status), WORKER, at(minute) + 1)
    run_one(at(3))
    reap(WORKER, reason="its worker was killed", now=at(3) + 1)
    ((queued, _),) = tick(at(4))
    cancel(queued, at(4) + 1)
    long = run_one(at(5))
    tick(at(6))
    finish(long, Outcome(status="success"), WORKER, at(6.5))
    finish(run_one(at(7)), Outcome(status="success"), WORKER, at(7.1))
    functions.pause(NAME, at(7.5))
    functions.resume(NAME, at(10.5))
    finish(run_one(at(20.1)), Outcome(status="success"), WORKER, at(20.2))
    finish(run_one(at(21)), Outcome(status="success"), WORKER, at(21.1))
    finish(run_one(at(22)), Outcome(status="success"), WORKER, at(22.1))
    functions.mark_gone([NAME], at(22.5))
    discover(NAME, now=at(25.5))
    run_one(at(26))


VERDICTS = {
    **dict(enumerate(("success", "error", "timeout", "lost", "cancelled", "success", "skipped"))),
    7: "success",
    **dict.fromkeys(range(8, 11), "skipped"),
    **dict.fromkeys(range(11, 21), "success"),
    21: "success",
    22: "success",
    **dict.fromkeys(range(23, 26), "gone"),
    26: "running",
    27: "future",
    1000: "future",
}


@pytest.mark.parametrize("kept", [True, False], ids=["everything kept", "pruned by retention"])
def test_every_slot_of_a_life_is_explained_by_what_happened_there(kept: bool) -> None:
    live()
    expected = dict(VERDICTS)
    if not kept:
        assert delete_old_runs(at(8.5), 1000)
        expected |= dict.fromkeys(range(8), "pruned")

    said = {minute: explain(minute, now=26.5).verdict for minute in expected}

    assert said == expected
    assert explain(-1, now=26.5).verdict == "before_discovery"
    assert {explain(minute + 0.5, now=26.5).verdict for minute in range(8, 22)} == {"no_slot"}


def test_the_reasons_name_the_pause_the_downtime_and_the_death() -> None:
    live()

    assert "paused" in explain(9, now=26.5).why
    assert explain(15, now=26.5).runs[0].slots == 10
    assert "its worker was killed" in explain(3, now=26.5).why
    assert "cancelled" in explain(4, now=26.5).why
    assert "still going" in explain(6, now=26.5).why
    assert "gone" in explain(24, now=26.5).why
    assert "retention" not in explain(0, now=26.5).why


def test_of_an_older_grid_the_run_that_covers_an_instant_is_named() -> None:
    discover(NAME)
    finish(run_one(at(0)), Outcome(status="success"), WORKER, at(0.1))
    discover(NAME, now=at(5.5), interval_seconds=180.0)
    told = explain(3, now=6)
    assert told.verdict == "unknown"
    assert "it had another schedule then" in told.why
    assert [(run.status, run.slots) for run in told.runs] == [("missed", 5)]
    assert explain(5, now=6).verdict == "missed"


def test_what_is_open_is_told_as_it_stands() -> None:
    discover(NAME)
    ((_run_id, _),) = tick(at(0))
    assert explain(0, now=0.1).why == "it is queued"
    functions.pause(NAME, at(0.5))
    assert explain(1, now=2.5).verdict == "paused"
    assert explain(3, now=2.5).verdict == "paused"
    functions.resume(NAME, at(2.5))
    assert explain(1, now=2.6).verdict == "skipped"
    assert explain(3, now=3.5, has_ticker=False).verdict == "undecided"
    functions.mark_gone([NAME], at(3.5))
    assert explain(4, now=5.0).verdict == "gone"


@pytest.mark.parametrize("cron", [None, "* * * * *"])
def test_after_the_clock_was_set_back_the_new_slots_are_explained_and_the_old_rows_kept(
    cron: str | None,
) -> None:
    discover(NAME, cron=cron)
    for minute in (10, 11):
        finish(run_one(at(minute)), Outcome(status="success"), WORKER, at(minute + 0.1))
    assert return_into_reach(at(-30)) == [NAME]
    first = explain(-30, now=-30).next_slot_at
    assert first is not None
    finish(run_one(first), Outcome(status="success"), WORKER, first + 1)

    verdicts = [
        explain_instant(find_function(NAME), slot, now=first + 1, has_ticker=True).verdict
        for slot in (first, first + 60, at(11))
    ]

    assert verdicts == ["success", "future", "success"]
