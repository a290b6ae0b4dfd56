"""Ticks as rows: one verdict a slot, whatever the number of tickers."""

from datetime import UTC, datetime

import pytest

from scheduler.config import Config
from scheduler.db import poison, ticks
from scheduler.db.clock_steps import return_into_reach
from scheduler.db.due import fetch_due_functions
from scheduler.db.finishes import finish
from scheduler.db.runs import insert_run_log
from scheduler.db.statements import change, rows, transaction
from scheduler.db.ticks import Instants
from scheduler.errors import DatabaseUnavailableError
from scheduler.executor.call import Outcome
from scheduler.policy import NOT_STARTED, STILL_RUNNING, TO_TRY_AGAIN, decide
from tests.db.rows import (
    NOW,
    WORKER,
    count_steps,
    discover,
    insert_finished,
    one,
    run_one,
    runs,
    start_run,
    tick,
)
from tests.db.seeding import seed_run

pytestmark = pytest.mark.usefixtures("database")


def test_a_due_function_gets_one_queued_row_and_its_next_slot() -> None:
    discover("a.f")
    assert tick(NOW) == [(1, 0)]
    assert runs("status", "scheduled_for", "root_id", "slots") == [("queued", NOW, 1, 1)]
    assert ticks.next_instants() == Instants(due_at=NOW + 60)


def test_a_tick_that_was_overtaken_by_another_ticker_writes_nothing() -> None:
    discover("a.f")
    due = fetch_due_functions(NOW)
    assert len(tick(NOW)) == 1
    late = ticks.record_tick([(function, decide(function, NOW + 70)) for function in due], NOW + 70)
    assert late == (0, {})
    assert runs("scheduled_for") == [(NOW,)]
    assert ticks.next_instants() == Instants(due_at=NOW + 60)


@pytest.mark.parametrize("config", ["sqlite"], indirect=True)  # which alone counts its steps
def test_a_tick_costs_the_same_however_many_functions_are_not_due() -> None:
    discover(*(f"a.due_{number}" for number in range(20)))
    few = count_steps(lambda: tick(NOW))
    discover(*(f"a.later_{number}" for number in range(2000)), now=NOW + 30)

    assert count_steps(lambda: tick(NOW)) < few + 1000


@pytest.mark.parametrize("config", ["sqlite"], indirect=True)
def test_a_tick_costs_the_same_however_many_runs_are_open_that_may_overlap() -> None:
    discover("a.f", overlap="allow")
    few = count_steps(lambda: tick(NOW))
    for slot in range(1_000):
        seed_run(1, "queued", at=float(slot))

    assert count_steps(lambda: tick(NOW)) < few + 1000


@pytest.mark.parametrize("config", ["postgres"], indirect=True)  # which keeps plans
def test_a_tick_planned_when_there_were_no_runs_does_not_read_all_of_those_that_came_since() -> (
    None
):
    discover("a.old", now=NOW + 3600)
    discover("a.f", interval_seconds=1.0)
    for second in range(20):  # the first run is never done: all later slots are one growing skip
        tick(NOW + second)
    insert_finished(20_000)

    with transaction():
        before = _pages_read()
        tick(NOW + 20)
        read = _pages_read() - before
    assert read < 100


def _pages_read() -> int:
    """Return how many pages of the runs and of their indexes this transaction has read."""
    return int(
        one(
            "SELECT SUM(pg_stat_get_xact_blocks_fetched(oid)) FROM pg_class "
            "WHERE oid = 'run_logs'::regclass OR oid IN "
            "(SELECT indexrelid FROM pg_index WHERE indrelid = 'run_logs'::regclass)"
        )
    )


@pytest.mark.parametrize("value", [None, 2**70])
def test_values_that_the_database_refuses_are_no_loss_of_the_database(value: int | None) -> None:
    discover("a.f")
    refusal = "(?i)not.null|out of range|too large"
    with pytest.raises(Exception, match=refusal) as refused, transaction():
        change("UPDATE scheduled_functions SET line = ?", [value])
    assert not isinstance(refused.value, DatabaseUnavailableError)


def test_a_slot_that_is_decided_already_is_not_decided_again() -> None:
    discover("a.f")
    tick(NOW)
    with transaction():
        change("UPDATE scheduled_functions SET next_run_at = ?", [NOW])
    assert tick(NOW) == []
    assert len(runs("id")) == 1


def test_a_streak_of_skips_is_one_row_that_grows() -> None:
    discover("a.f", interval_seconds=1.0)
    run_one(NOW)
    for second in range(1, 6):
        assert tick(NOW + second) == []
    assert runs("status", "slots", "covers_from", "scheduled_for")[1:] == [
        ("skipped", 5, NOW + 1, NOW + 5)
    ]
    assert one("SELECT reason FROM run_logs WHERE status = 'skipped'") == STILL_RUNNING


def test_each_stage_of_the_run_before_is_a_streak_of_its_own() -> None:
    discover("a.f", interval_seconds=1.0, retries=1)
    ((first, _),) = tick(NOW)
    for second in (1, 2):
        tick(NOW + second)
    failing = start_run(first, NOW + 2.5)
    for second in (3, 4):
        tick(NOW + second)
    finish(failing, Outcome(status="error"), WORKER, NOW + 4.5)  # the next attempt is in 10 s
    for second in (5, 6, 15):
        tick(NOW + second)
    assert rows("SELECT slots, reason FROM run_logs WHERE status = 'skipped' ORDER BY id") == [
        (2, NOT_STARTED),
        (2, STILL_RUNNING),
        (11, TO_TRY_AGAIN),
    ]


def test_a_run_queued_by_hand_counts_as_open_and_is_not_said_to_be_going() -> None:
    discover("a.f")
    insert_run_log(1, NOW - 5, now=NOW - 5)
    assert tick(NOW) == []
    assert runs("status", "reason")[1] == ("skipped", NOT_STARTED)


def test_what_is_queued_by_hand_while_a_slot_is_decided_counts_as_open() -> None:
    discover("a.f", "b.f", "c.f", overlap="skip")
    due = fetch_due_functions(NOW)
    insert_run_log(2, NOW, now=NOW)
    decided = [(function, decide(function, NOW)) for function in due]
    assert ticks.record_tick(decided, NOW) == (2, {NOW: [(2, 0), (3, 0)]})
    tick(NOW)
    assert rows("SELECT function_id, reason FROM run_logs WHERE status = 'skipped'") == [
        (2, NOT_STARTED)
    ]


def test_a_run_that_ends_while_a_slot_is_decided_does_not_hold_it_back() -> None:
    discover("a.f", overlap="skip")
    run = run_one(NOW)
    due = fetch_due_functions(NOW + 60)
    finish(run, Outcome(status="success"), WORKER, NOW + 60)
    decided = [(function, decide(function, NOW + 60)) for function in due]
    assert ticks.record_tick(decided, NOW + 60) == (0, {})
    assert len(tick(NOW + 60)) == 1


def test_a_week_of_downtime_is_one_row_that_answers_for_all_its_slots() -> None:
    discover("a.f", interval_seconds=1.0)
    finish(run_one(NOW), Outcome(status="success"), WORKER, NOW)
    tick(NOW + 7 * 86400)
    assert runs("slots", "covers_from", "scheduled_for")[1:] == [
        (7 * 86400, NOW + 1, NOW + 7 * 86400)
    ]


def test_overlap_queue_holds_one_run_until_the_one_before_has_ended() -> None:
    discover("a.f", interval_seconds=1.0, overlap="queue")
    first = run_one(NOW)
    assert tick(NOW + 1) == []
    assert runs("status", "available_at")[1] == ("queued", None)
    tick(NOW + 2)
    assert [status for (status,) in runs("status")] == ["running", "queued", "skipped"]
    assert finish(first, Outcome(status="success"), WORKER, NOW + 3).messages == [(2, 0)]


def test_overlap_allow_runs_beside_the_one_before() -> None:
    discover("a.f", interval_seconds=1.0, overlap="allow")
    run_one(NOW)
    assert len(tick(NOW + 1)) == 1


def test_overlap_replace_asks_the_running_one_to_end_and_then_runs() -> None:
    discover("a.f", interval_seconds=1.0, overlap="replace")
    first = run_one(NOW)
    assert tick(NOW + 1) == []
    assert one("SELECT cancel_requested_at FROM run_logs WHERE id = 1") == NOW + 1
    assert finish(first, Outcome(status="cancelled"), WORKER, NOW + 2).messages == [(2, 0)]
    assert one("SELECT reason FROM run_logs WHERE id = 1") == ticks.REPLACED


def test_a_run_that_ended_by_itself_before_it_was_replaced_has_no_reason_for_that() -> None:
    discover("a.f", interval_seconds=1.0, overlap="replace")
    first = run_one(NOW)
    tick(NOW + 1)
    finish(first, Outcome(status="success"), WORKER, NOW + 2)
    assert one("SELECT reason FROM run_logs WHERE id = 1") is None


def test_overlap_replace_cancels_a_queued_one_at_once() -> None:
    discover("a.f", interval_seconds=1.0, overlap="replace")
    tick(NOW)
    assert tick(NOW + 1) == [(2, 0)]
    assert runs("status") == [("cancelled",), ("queued",)]


def test_jitter_puts_a_run_off_but_not_its_slot() -> None:
    discover("a.f", interval_seconds=100.0, jitter_seconds=50.0)
    assert tick(NOW) == []
    ((slot, available_at, sent_at),) = runs("scheduled_for", "available_at", "sent_at")
    assert slot == NOW
    assert NOW < available_at < NOW + 50
    assert sent_at is None


def test_the_priority_of_a_function_goes_with_its_message() -> None:
    discover("a.f", priority=7)
    assert tick(NOW) == [(1, 7)]


def test_a_schedule_that_cannot_be_read_any_more_fails_alone() -> None:
    discover("a.bad", "a.good")
    with transaction():
        change(
            "UPDATE scheduled_functions SET interval_seconds = NULL, cron = 'gibberish' "
            "WHERE name = 'a.bad'"
        )
    due = {function.name: function for function in fetch_due_functions(NOW)}
    with pytest.raises(ValueError, match="cron") as raised:
        decide(due["a.bad"], NOW)
    poison.postpone(due["a.bad"], raised.value, NOW)
    assert len(tick(NOW)) == 1
    assert runs("status", "covers_from")[0] == ("error", NOW)
    assert ticks.next_instants() == Instants(due_at=NOW + 60)


def test_the_error_of_a_poison_slot_answers_for_all_slots_until_the_next_look() -> None:
    discover("a.f", interval_seconds=7.0)
    (due,) = fetch_due_functions(NOW)
    poison.postpone(due, ValueError("bad"), NOW)
    assert tick(NOW + 59) == []
    tick(NOW + 70)
    assert runs("status", "covers_from", "scheduled_for", "slots") == [
        ("error", NOW, NOW + 56, 9),
        ("queued", NOW + 63, NOW + 70, 2),
    ]


def test_after_the_clock_was_set_back_a_streak_does_not_grow_onto_a_slot_that_has_a_row() -> None:
    discover("a.f", interval_seconds=1.0, start=datetime.fromtimestamp(NOW, UTC).isoformat())
    finish(run_one(NOW), Outcome(status="success"), WORKER, NOW + 0.1)
    run_one(NOW + 8)  # for the slots of a downtime; it still goes
    assert return_into_reach(NOW + 4.2) == ["a.f"]
    for second in range(5, 10):
        assert tick(NOW + second) == []
    spans = [(first - NOW, last - NOW) for first, last in runs("covers_from", "scheduled_for")]
    assert spans == [(0, 0), (1, 8), (5, 9)]


def test_a_clock_set_back_brings_the_next_slot_into_reach() -> None:
    discover("a.f", interval_seconds=60.0)
    tick(NOW)
    earlier = NOW - 86400
    assert return_into_reach(earlier) == ["a.f"]
    assert ticks.next_instants() == Instants(due_at=earlier)
    assert return_into_reach(earlier) == []


def test_a_schedule_that_cannot_be_read_any_more_holds_up_no_other() -> None:
    discover("a.broken", "b.f", cron="0 7 * * *", interval_seconds=None)
    change("UPDATE scheduled_functions SET timezone = 'Nowhere/Land' WHERE name = 'a.broken'")
    change("UPDATE scheduled_functions SET next_run_at = next_run_at + 30 * 86400.0")
    assert return_into_reach(NOW) == ["b.f"]


def test_a_paused_function_is_not_due(database: Config) -> None:
    from scheduler.db import functions

    discover("a.f")
    functions.pause("a.f", NOW)
    assert fetch_due_functions(NOW + 100) == []
    assert ticks.next_instants() == Instants()


def test_a_held_run_is_released_only_when_nothing_before_it_is_open() -> None:
    discover("a.f", interval_seconds=1.0, overlap="queue", retries=1)
    first = run_one(NOW)
    tick(NOW + 1)
    failed = finish(first, Outcome(status="error"), WORKER, NOW + 2)
    assert failed.messages == []
    assert failed.retry_at == NOW + 12
    retried = start_run(3, NOW + 12)
    assert finish(retried, Outcome(status="success"), WORKER, NOW + 13).messages == [(2, 0)]
