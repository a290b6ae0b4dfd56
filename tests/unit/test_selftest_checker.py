"""The checker of the selftest finds each kind of violation, and none in a clean history."""

from dataclasses import replace
from typing import Any

import pytest

from scheduler.db.ledger import LedgerRow
from scheduler.selftest.checker import Demand, Violation, check, latenesses
from scheduler.selftest.journal import Entry
from scheduler.selftest.report import lines
from scheduler.triggers import IntervalTrigger

ANCHOR = 1_000.0
DEMAND = Demand(
    name="f", trigger=IntervalTrigger(1.0, ANCHOR), first_at=ANCHOR, until_at=1_004.5, retries=1
)


def row(run_id: int, slot: float, **values: Any) -> LedgerRow:
    """Return an attempt that succeeded in time, but for what is named."""
    usual: dict[str, Any] = {
        "id": run_id,
        "name": "f",
        "root_id": run_id,
        "attempt": 1,
        "status": "success",
        "scheduled_for": slot,
        "covers_from": slot,
        "slots": 1,
        "started_at": slot + 0.1,
        "finished_at": slot + 0.3,
    }
    return LedgerRow(**(usual | values))


def facts(run_id: int, slot: float, *whats: str, pid: int = 7, name: str = "f") -> list[Entry]:
    """Return what a run wrote, a tenth of a second apart."""
    return [
        Entry(what=what, name=name, run_id=run_id, slot=slot, attempt=1, pid=pid, at=slot + 0.1 * n)
        for n, what in enumerate(whats, 1)
    ]


ROWS = [row(number, ANCHOR + number) for number in range(5)]
ENTRIES = [
    entry
    for number in range(5)
    for entry in facts(number, ANCHOR + number, "start", "alive", "success")
]


def found(
    rows: list[LedgerRow], entries: list[Entry] | None = None, **demand: Any
) -> list[Violation]:
    return check([replace(DEMAND, **demand)], rows, ENTRIES if entries is None else entries)


def kinds(*args: Any, **kwargs: Any) -> set[str]:
    return {violation.kind for violation in found(*args, **kwargs)}


def with_row(number: int, **values: Any) -> list[LedgerRow]:
    return [replace(r, **values) if r.id == number else r for r in ROWS]


def without_facts(number: int) -> list[Entry]:
    return [entry for entry in ENTRIES if entry.run_id != number]


def test_a_history_with_one_run_for_each_slot_is_clean() -> None:
    assert found(ROWS) == []


def test_a_row_may_answer_for_several_slots() -> None:
    rows = [row(0, ANCHOR), row(4, ANCHOR + 4, covers_from=ANCHOR + 1, slots=4)]
    entries = facts(0, ANCHOR, "start", "success") + facts(4, ANCHOR + 4, "start", "success")

    assert found(rows, entries) == []


@pytest.mark.parametrize("lost", range(5))
def test_a_slot_without_a_row_is_unsatisfied_wherever_it_lies(lost: int) -> None:
    violations = found([r for r in ROWS if r.id != lost], without_facts(lost))

    assert [(v.kind, v.text) for v in violations] == [
        ("unsatisfied", f"1 slot(s) from {ANCHOR + lost:.3f} have no row")
    ]


def test_slots_after_the_end_are_not_demanded_but_may_be_answered() -> None:
    later = row(5, ANCHOR + 5, status="queued", started_at=None, finished_at=None)

    assert found([*ROWS, later]) == []


def test_two_rows_for_one_slot_answer_it_twice() -> None:
    again = row(9, ANCHOR + 2)

    assert kinds([*ROWS, again], ENTRIES + facts(9, ANCHOR + 2.5, "start", "success")) == {"twice"}


def test_a_row_beside_the_grid_or_with_a_wrong_count_is_off_grid() -> None:
    assert "off grid" in kinds(with_row(2, scheduled_for=1_002.4, covers_from=1_002.4))
    assert "off grid" in kinds(with_row(2, slots=2))


def test_rows_of_a_function_that_nothing_demands_are_off_grid() -> None:
    assert {v.kind for v in check([], ROWS, ENTRIES)} == {"off grid", "double start"}


def test_a_run_that_was_started_twice_is_a_double_start_whoever_started_it() -> None:
    assert kinds(ROWS, ENTRIES + facts(3, ANCHOR + 3, "start", pid=8)) == {"double start"}


def test_a_run_without_a_row_was_started_without_a_right() -> None:
    assert kinds(ROWS, ENTRIES + facts(77, ANCHOR, "start")) == {"double start"}


@pytest.mark.parametrize("status", ["skipped", "missed", "queued"])
def test_a_run_that_its_row_says_never_began_was_started_without_a_right(status: str) -> None:
    rows = with_row(4, status=status, started_at=None)

    assert "double start" in kinds(rows)


def test_a_success_whose_function_never_came_to_its_end_is_a_wrong_verdict() -> None:
    cut = without_facts(2) + facts(2, ANCHOR + 2, "start")

    assert kinds(ROWS, cut) == {"verdict"}
    assert kinds(ROWS, without_facts(2)) == {"verdict"}


def test_an_error_whose_function_succeeded_is_a_wrong_verdict() -> None:
    rows = with_row(2, status="error", root_id=2)

    assert kinds(rows, retries=0, ends=frozenset({"success", "error"})) == {"verdict"}


def test_a_lost_run_is_a_violation_only_where_nothing_was_killed() -> None:
    rows = with_row(2, status="lost")
    cut = without_facts(2) + facts(2, ANCHOR + 2, "start")

    assert kinds(rows, cut, retries=0) == {"verdict"}
    assert found(rows, cut, retries=0, is_disturbed=True) == []


def test_a_run_that_failed_with_retries_left_breaks_its_chain() -> None:
    rows = with_row(2, status="lost")

    assert kinds(rows, is_disturbed=True) == {"chain"}


def test_a_retry_answers_the_same_slot_and_only_the_last_attempt_counts() -> None:
    rows = [*with_row(2, status="lost"), row(9, ANCHOR + 2, root_id=2, attempt=2)]
    entries = (
        without_facts(2)
        + facts(2, ANCHOR + 2, "start")
        + facts(9, ANCHOR + 2.5, "start", "success")
    )

    assert found(rows, entries, is_disturbed=True) == []


def test_a_retry_of_a_success_or_one_too_many_breaks_the_chain() -> None:
    again = row(9, ANCHOR + 2.5, root_id=2, attempt=2, covers_from=ANCHOR + 2)
    entries = ENTRIES + facts(9, ANCHOR + 2.5, "start", "success")

    assert kinds([*ROWS, again], entries) == {"chain"}
    assert kinds([*ROWS, replace(again, attempt=3)], entries) == {"chain"}


@pytest.mark.parametrize("status", ["queued", "running"])
def test_an_open_run_of_a_demanded_slot_is_undecided(status: str) -> None:
    rows = with_row(4, status=status, finished_at=None)

    assert "undecided" in kinds(rows)


def test_old_code_that_lives_on_beside_its_retry_is_seen() -> None:
    rows = [*with_row(2, status="lost"), row(9, ANCHOR + 2, root_id=2, attempt=2)]
    entries = (
        without_facts(2)
        + facts(2, ANCHOR + 2, "start", "alive", "alive")
        + facts(9, ANCHOR + 2.15, "start", "success")
    )

    for overlap in ("skip", "allow"):
        assert kinds(rows, entries, is_disturbed=True, overlap=overlap) == {"together"}


def test_two_runs_at_once_are_seen_unless_their_function_allows_it() -> None:
    long = without_facts(1) + facts(1, ANCHOR + 1, *["start", *["alive"] * 10, "success"])

    assert kinds(ROWS, long) == {"together"}
    assert found(ROWS, long, overlap="allow") == []


def test_lateness_is_counted_for_first_attempts_that_began() -> None:
    rows = [
        row(1, 10.0, started_at=10.5),
        row(2, 10.0, started_at=14.0, attempt=2),
        row(3, 11.0, started_at=None, status="skipped"),
        row(4, 12.0, started_at=12.25),
    ]

    assert latenesses(rows) == [0.25, 0.5]


def test_what_was_enqueued_after_the_end_is_not_of_the_trial_and_retries_are_told_apart() -> None:
    after = row(9, ANCHOR + 5, status="queued", started_at=None, finished_at=None)
    retry = row(10, ANCHOR + 4, root_id=4, attempt=2)
    (line,) = lines([DEMAND], [*ROWS, after, retry])
    assert (line.slots, line.attempts, line.retries) == (5, 6, 1)
    assert line.by_status == {"success": 6}


def test_a_run_that_answers_for_a_slot_of_the_trial_must_have_ended() -> None:
    late = row(4, ANCHOR + 5, covers_from=ANCHOR + 4, slots=2, status="queued")
    assert "undecided" in kinds([*ROWS[:4], late])
