"""Rows of batches: what has not begun goes back, what has ended unheard gets its verdict."""

import pytest

from scheduler.db import claims, runs
from scheduler.db.batches import UNHEARD, settle, take_back
from scheduler.db.finishes import finish
from scheduler.db.statements import rows, transaction
from scheduler.executor.call import Outcome
from scheduler.runner.tally import Tallied
from tests.db import rows as table
from tests.db.rows import NOW, WORKER, discover, run_one, start_run, tick

pytestmark = pytest.mark.usefixtures("database")


def start_batch(count: int, worker: str = WORKER) -> list[claims.ClaimedRun]:
    """Start one run of each of so many functions, all at once."""
    discover(*(f"a.f{number}" for number in range(count)))
    run_ids = [run_id for run_id, _ in tick(NOW)]
    claimed, _ = claims.claim_chunk(run_ids, worker, NOW)
    return claims.start(claimed, worker, NOW + 1)


def test_a_batch_starts_in_one_change() -> None:
    batch = start_batch(3)
    assert len(batch) == 3
    assert table.runs("status", "claimed_by", "started_at") == [("running", WORKER, NOW + 1)] * 3


def test_its_ends_tell_when_each_has_begun() -> None:
    first, second = start_batch(2)
    finish(first, Outcome(status="success", began_at=NOW + 2, ended_at=NOW + 3), WORKER, NOW + 9)
    finish(second, Outcome(status="error", began_at=NOW + 3, ended_at=NOW + 5), WORKER, NOW + 9)
    assert table.runs("started_at", "finished_at") == [(NOW + 2, NOW + 3), (NOW + 3, NOW + 5)]
    assert rows(
        "SELECT last_status, last_started_at, last_duration_seconds FROM scheduled_functions "
        "ORDER BY id"
    ) == [("success", NOW + 2, 1.0), ("error", NOW + 3, 2.0)]


@pytest.mark.parametrize(
    ("began_at", "ended_at"),
    [
        (NOW + 5, NOW + 4),
        (NOW + 5, NOW + 99),
        (NOW - 5, NOW + 4),
        (NOW + 5, None),
        (None, NOW + 5),
    ],
    ids=["backwards", "in the future", "before it was due", "no end", "no beginning"],
)
def test_what_cannot_be_right_is_not_believed(
    began_at: float | None, ended_at: float | None
) -> None:
    (run,) = start_batch(1)
    outcome = Outcome(status="success", began_at=began_at, ended_at=ended_at)
    finish(run, outcome, WORKER, NOW + 9)
    assert table.runs("started_at", "finished_at") == [(NOW + 1, NOW + 9)]
    assert table.one("SELECT last_started_at FROM scheduled_functions") == NOW + 1


def test_what_is_taken_back_is_claimed_and_can_start_again() -> None:
    _, second = start_batch(2)
    assert take_back([second.id], WORKER, NOW + 2) == ({second.id}, [])
    assert table.runs("status", "claimed_by", "started_at") == [
        ("running", WORKER, NOW + 1),
        ("queued", WORKER, None),
    ]
    assert claims.start([second], WORKER, NOW + 3) == [second]


def test_what_was_to_be_cancelled_meanwhile_is() -> None:
    first, second = start_batch(2)
    assert runs.cancel(second.id, NOW + 2) == ("requested", [])
    assert take_back([first.id, second.id], WORKER, NOW + 3) == ({first.id}, [])
    assert table.runs("status", "started_at", "reason") == [
        ("queued", None, None),
        ("cancelled", None, runs.CANCELLED_BEFORE_START),
    ]


def test_what_it_had_held_is_released_when_it_is_cancelled() -> None:
    (run,) = start_batch(1)
    with transaction():
        held, _ = runs.insert_run_log(run.function_id, NOW, now=NOW)
    runs.cancel(run.id, NOW + 2)
    assert take_back([run.id], WORKER, NOW + 3) == (set(), [(held, 0)])


def test_what_others_have_reaped_is_left_alone() -> None:
    (run,) = start_batch(1)
    assert take_back([run.id], "another", NOW + 3) == (set(), [])
    assert table.runs("status") == [("running",)]
    assert take_back([], WORKER, NOW) == (set(), [])


def test_a_dead_workers_batch_is_settled_by_its_tally() -> None:
    succeeded, _, unbegun, cancelled = start_batch(4)
    runs.cancel(cancelled.id, NOW + 2)
    tallied = Tallied(
        unbegun=((unbegun.id, NOW + 1), (cancelled.id, NOW + 1)),
        succeeded=((succeeded.id, NOW + 1),),
    )
    settle(tallied, WORKER, NOW + 3)
    assert table.runs("status", "started_at", "reason") == [
        ("success", NOW + 1, UNHEARD),
        ("running", NOW + 1, None),
        ("queued", None, None),
        ("cancelled", None, runs.CANCELLED_BEFORE_START),
    ]
    assert claims.hand_back(None, WORKER, NOW + 4) == [(unbegun.id, 0)]


def test_a_tally_says_nothing_of_runs_that_have_a_verdict_or_another_worker() -> None:
    (mine,) = start_batch(1)
    discover("b.g")
    ((other_id, _),) = tick(NOW + 1)
    start_run(other_id, NOW + 2, "another")
    finish(mine, Outcome(status="error"), WORKER, NOW + 3)
    before = table.runs("status", "started_at", "finished_at", "claimed_by")
    told = ((mine.id, NOW + 1), (other_id, NOW + 2))
    settle(Tallied(unbegun=told, succeeded=told), WORKER, NOW + 4)
    assert table.runs("status", "started_at", "finished_at", "claimed_by") == before


def test_a_tally_says_nothing_of_what_was_started_again_after_it_was_taken_back() -> None:
    (run,) = start_batch(1)
    take_back([run.id], WORKER, NOW + 2)
    claims.start([run], WORKER, NOW + 3)
    told = ((run.id, NOW + 1),)
    settle(Tallied(unbegun=told, succeeded=told), WORKER, NOW + 4)
    assert table.runs("status", "started_at") == [("running", NOW + 3)]


def test_a_function_whose_later_run_started_before_keeps_that_start() -> None:
    discover("a.f", overlap="allow")
    first = run_one(NOW)
    second = run_one(NOW + 60)
    outcome = Outcome(status="success", began_at=NOW + 1, ended_at=NOW + 90)
    finish(first, outcome, WORKER, NOW + 90)
    assert table.one("SELECT last_started_at FROM scheduled_functions") == NOW + 60
    outcome = Outcome(status="success", began_at=NOW + 61, ended_at=NOW + 91)
    finish(second, outcome, WORKER, NOW + 91)
    assert table.one("SELECT last_started_at FROM scheduled_functions") == NOW + 61


def test_a_chunk_has_each_run_once_though_two_messages_name_it() -> None:
    discover("a.f", "a.g")
    run_ids = [run_id for run_id, _ in tick(NOW)]
    claimed, _ = claims.claim_chunk([*run_ids, *run_ids], WORKER, NOW)
    assert [run.id for run in claimed] == run_ids
