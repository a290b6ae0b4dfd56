"""Functions as scans find them: unchanged code resets nothing, changed schedules move on."""

from typing import Any

import pytest

from scheduler.db import functions, ticks, upserts
from scheduler.db.claims import claim_and_start
from scheduler.db.due import fetch_due_functions
from scheduler.db.statements import change, rows
from scheduler.db.ticks import Instants
from scheduler.db.upserts import Upserted
from scheduler.errors import NotFoundError
from scheduler.policy import CHANGED_FIRST, DISABLED, GONE_FIRST, OFF_FIRST, PAUSED
from tests.db.rows import NOW, WORKER, discover, found, one, runs, tick

pytestmark = pytest.mark.usefixtures("database")


def test_a_new_function_is_due_at_once_and_anchored_there() -> None:
    discover("a.f")
    assert rows("SELECT next_run_at, anchor_at, state, timezone FROM scheduled_functions") == [
        (NOW, NOW, "active", "UTC")
    ]


def test_unchanged_code_resets_nothing() -> None:
    discover("a.f")
    tick(NOW)
    assert upserts.upsert_functions([found("a.f")], timezone="UTC", now=NOW + 30) == Upserted(
        unchanged=1
    )
    assert ticks.next_instants() == Instants(due_at=NOW + 60)
    assert one("SELECT last_seen_at FROM scheduled_functions") == NOW + 30


def test_a_changed_interval_counts_from_the_last_slot() -> None:
    discover("a.f", interval_seconds=60.0)
    tick(NOW)
    discover("a.f", now=NOW + 10, interval_seconds=30.0)
    assert ticks.next_instants() == Instants(due_at=NOW + 30)
    assert one("SELECT anchor_at FROM scheduled_functions") == NOW


def test_a_changed_body_keeps_the_grid() -> None:
    discover("a.f")
    tick(NOW)
    changed = upserts.upsert_functions(
        [found("a.f", timeout_seconds=5.0)], timezone="UTC", now=NOW + 10
    )
    assert changed == Upserted(changed=1)
    assert ticks.next_instants() == Instants(due_at=NOW + 60)


def test_a_gone_function_has_no_slots_and_returns_on_its_old_grid() -> None:
    discover("a.f", interval_seconds=60.0)
    tick(NOW)
    functions.mark_gone(["a.f"], NOW + 10)
    assert fetch_due_functions(NOW + 1000) == []
    assert functions.fetch_unseen(0.0) == []
    assert _absence() == (NOW + 10, None)
    discover("a.f", now=NOW + 130, interval_seconds=60.0)
    assert ticks.next_instants() == Instants(due_at=NOW + 180)
    assert len(runs("id")) == 1
    assert _absence() == (NOW + 10, NOW + 130)
    functions.mark_gone(["a.f"], NOW + 200)
    assert _absence() == (NOW + 200, None)


@pytest.mark.parametrize(
    ("what", "reason"), [("gone", GONE_FIRST), ("disabled", OFF_FIRST), ("changed", CHANGED_FIRST)]
)
def test_what_was_due_in_a_downtime_that_ends_with_an_edit_was_missed(
    what: str, reason: str
) -> None:
    discover("a.f", interval_seconds=60.0)
    tick(NOW)
    if what == "gone":
        functions.mark_gone(["a.f"], NOW + 190)
    else:
        edits: dict[str, dict[str, Any]] = {
            "disabled": {"enabled": False},
            "changed": {"interval_seconds": 100.0},
        }
        discover("a.f", now=NOW + 190, **({"interval_seconds": 60.0} | edits[what]))

    assert runs("status", "slots", "covers_from", "scheduled_for", "reason")[1:] == [
        ("missed", 3, NOW + 60, NOW + 180, reason)
    ]
    ((next_run_at,),) = rows("SELECT next_run_at FROM scheduled_functions")
    assert next_run_at == (NOW + 190 if what == "changed" else NOW + 240)


def test_a_new_schedule_that_begins_at_once_has_its_slot_to_itself() -> None:
    discover("a.f", interval_seconds=60.0, overlap="allow")
    tick(NOW)
    discover("a.f", now=NOW + 180, interval_seconds=100.0, overlap="allow")
    tick(NOW + 180)

    assert runs("status", "slots", "scheduled_for")[1:] == [
        ("missed", 2, NOW + 120),
        ("queued", 1, NOW + 180),
    ]


def test_an_edit_before_the_next_slot_misses_nothing() -> None:
    discover("a.f", interval_seconds=60.0)
    tick(NOW)
    discover("a.f", now=NOW + 59, interval_seconds=100.0)
    functions.mark_gone(["a.f"], NOW + 99)
    assert runs("status") == [("queued",)]


@pytest.mark.parametrize("is_gone", [False, True])
@pytest.mark.parametrize("reason", [PAUSED, DISABLED])
def test_a_pause_in_which_the_schedule_is_edited_answers_for_both_grids(
    reason: str, is_gone: bool
) -> None:
    discover("a.f", interval_seconds=60.0)
    tick(NOW)
    enabled = reason == PAUSED
    if enabled:
        functions.pause("a.f", NOW + 1)
    else:
        discover("a.f", now=NOW + 1, interval_seconds=60.0, enabled=False)
    if is_gone:
        functions.mark_gone(["a.f"], NOW + 130)
    discover("a.f", now=NOW + 190, interval_seconds=50.0, enabled=enabled)
    if enabled:
        functions.resume("a.f", NOW + 400)
    else:
        discover("a.f", now=NOW + 400, interval_seconds=50.0)

    assert runs("status", "covers_from", "scheduled_for", "reason")[1:] == [
        ("skipped", NOW + 60, NOW + (120 if is_gone else 180), reason),
        ("skipped", NOW + 190, NOW + 390, reason),
    ]


def test_a_paused_function_that_was_gone_for_a_while_is_paused_still() -> None:
    discover("a.f", interval_seconds=60.0)
    tick(NOW)
    functions.pause("a.f", NOW + 1)
    functions.mark_gone(["a.f"], NOW + 70)
    discover("a.f", now=NOW + 130, interval_seconds=60.0)

    assert rows("SELECT state FROM scheduled_functions") == [("paused",)]
    assert fetch_due_functions(NOW + 1000) == []
    assert functions.resume("a.f", NOW + 250)
    assert runs("status", "slots", "covers_from", "scheduled_for", "reason")[1:] == [
        ("skipped", 1, NOW + 60, NOW + 60, PAUSED),
        ("skipped", 2, NOW + 180, NOW + 240, PAUSED),  # what came while it was gone was no slot
    ]


def test_a_function_that_was_resumed_before_it_went_returns_active() -> None:
    discover("a.f", interval_seconds=60.0)
    functions.pause("a.f", NOW)
    functions.resume("a.f", NOW + 1)
    change("UPDATE scheduled_functions SET paused_at = ?", [NOW])  # as it was left once
    functions.mark_gone(["a.f"], NOW + 2)
    discover("a.f", now=NOW + 3, interval_seconds=60.0)
    assert rows("SELECT state, paused_at FROM scheduled_functions") == [("active", None)]


def _absence() -> tuple[float, float | None]:
    ((gone_at, back_at),) = rows("SELECT gone_at, back_at FROM scheduled_functions")
    return gone_at, back_at


def test_a_pause_is_one_skipped_row_and_the_grid_goes_on() -> None:
    discover("a.f", interval_seconds=60.0)
    tick(NOW)
    assert functions.pause("a.f", NOW + 1)
    assert not functions.pause("a.f", NOW + 1)
    assert functions.resume("a.f", NOW + 190)
    assert not functions.resume("a.f", NOW + 190)
    assert runs("status", "slots", "covers_from", "scheduled_for", "reason")[1:] == [
        ("skipped", 3, NOW + 60, NOW + 180, PAUSED)
    ]
    assert ticks.next_instants() == Instants(due_at=NOW + 240)


def test_a_pause_shortly_before_a_slot_that_is_decided_already_skips_it() -> None:
    discover("a.f", interval_seconds=60.0)
    ((run_id, _),) = tick(NOW)
    assert functions.pause("a.f", NOW - 0.005)
    assert claim_and_start(run_id, WORKER, NOW) == (None, [])
    functions.resume("a.f", NOW + 70)
    assert runs("status", "scheduled_for", "reason") == [
        ("skipped", NOW, PAUSED),
        ("skipped", NOW + 60, PAUSED),
    ]


def test_a_pause_that_is_refused_skips_nothing() -> None:
    discover("a.f")
    tick(NOW)
    functions.mark_gone(["a.f"], NOW - 0.006)
    assert not functions.pause("a.f", NOW - 0.005)
    assert runs("status") == [("queued",)]


def test_a_function_switched_off_in_code_skips_until_it_is_on_again() -> None:
    discover("a.f", interval_seconds=60.0)
    tick(NOW)
    discover("a.f", now=NOW + 1, interval_seconds=60.0, enabled=False)
    assert fetch_due_functions(NOW + 1000) == []
    discover("a.f", now=NOW + 130, interval_seconds=60.0, enabled=True)
    assert runs("status", "slots", "reason")[1:] == [("skipped", 2, DISABLED)]
    assert ticks.next_instants() == Instants(due_at=NOW + 180)


def test_an_unknown_name_is_told_with_its_nearest_neighbour() -> None:
    discover("reports.daily.send")
    with pytest.raises(NotFoundError, match=r"did you mean 'reports\.daily\.send'"):
        functions.find_id("reports.daily.sent")


def test_thousands_of_functions_are_written_in_one_call() -> None:
    many = [found(f"a.f{number}") for number in range(1200)]
    assert upserts.upsert_functions(many, timezone="UTC", now=NOW) == Upserted(new=1200)
    assert one("SELECT COUNT(*) FROM scheduled_functions") == 1200
