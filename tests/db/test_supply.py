"""Chunks: claimed in one commit, started one by one, handed back when nobody starts them."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from scheduler.config import Config
from scheduler.db import claims, finishes, messages, processes, runs
from scheduler.db.processes import ProcessRow
from scheduler.db.schema import installation_id
from scheduler.db.statements import transaction
from scheduler.errors import DatabaseUnavailableError
from scheduler.executor.call import Outcome
from scheduler.queue import RunQueue, open_queue
from scheduler.runner.tally import MOST
from scheduler.testing import SettableClock
from scheduler.worker.supply import (
    BATCH_SECONDS,
    CHUNK,
    CHUNK_SECONDS,
    STALE_SECONDS,
    Supply,
)
from tests.db import rows as table
from tests.db.rows import NOW, WORKER, count_steps, discover, start_run, tick
from tests.db.slots import make_slots

MANY = 2 * CHUNK + 1
PATIENCE_SECONDS = 5.0
SUCCESS = Outcome(status="success")


@pytest.fixture(params=["same", "redis"])
def queue(request: pytest.FixtureRequest, database: Config) -> Iterator[RunQueue]:
    """Return an empty queue: beside the database, or in it, or on Redis."""
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    config = replace(database, queue_url=url or database.database_url)
    queue = open_queue(config, installation_id())
    yield queue
    queue.storage.flush_queue()
    queue.storage.close()


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(NOW)


@pytest.fixture
def supply(queue: RunQueue, clock: SettableClock) -> Supply:
    """Return the supply of a worker whose recent runs were short."""
    supply = Supply(queue, clock)
    for _ in range(100):
        supply.note(0.0001)
    return supply


def take_alone(supply: Supply, count: int) -> list[int]:
    """Take so many runs, each by itself; return their ids."""
    return [run.id for _ in range(count) for run in supply.take(WORKER, 1)[0]]


def enqueue(queue: RunQueue, count: int) -> list[int]:
    """Queue one run of each of so many functions; return their ids in the queue's order."""
    discover(*(f"a.f{number:03}" for number in range(count)))
    sent = tick(NOW)
    queue.send(sent)
    return [run_id for run_id, _ in sent]


def test_a_refill_claims_ahead_only_what_the_next_takes_return(
    queue: RunQueue, supply: Supply
) -> None:
    run_ids = enqueue(queue, MANY)
    for _ in range(2):
        supply.refill(WORKER)
        assert queue.size() == MANY - CHUNK
    assert take_alone(supply, CHUNK) == run_ids[:CHUNK]


def test_a_chunk_whose_claim_nobody_confirmed_is_handed_back(
    queue: RunQueue, supply: Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_ids = enqueue(queue, MANY)

    def claim_without_an_answer(*arguments: Any) -> None:
        claims.claim_chunk(*arguments)
        raise DatabaseUnavailableError("the connection was lost after the commit")

    monkeypatch.setattr("scheduler.worker.supply.claim_chunk", claim_without_an_answer)
    assert supply.take(WORKER, MOST) == ([], [])
    assert [run_id for run_id, _ in supply.hand_back(WORKER, unless_fresh=True)] == run_ids[:CHUNK]
    assert set(table.runs("claimed_by")) == {(None,)}
    assert supply.hand_back(WORKER) == []


def test_the_heartbeat_does_not_wait_for_a_slot_that_is_at_the_queue(
    queue: RunQueue, supply: Supply, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_ids = enqueue(queue, MANY)
    supply.refill(WORKER)
    clock.advance(STALE_SECONDS)
    is_at_queue, is_answered = threading.Event(), threading.Event()

    def wait_for_the_answer() -> bool:
        is_at_queue.set()
        return is_answered.wait(PATIENCE_SECONDS)

    monkeypatch.setattr(queue, "is_waiting", wait_for_the_answer)
    slot = threading.Thread(target=supply.gather, args=(run_ids[-1], WORKER), daemon=True)
    slot.start()
    is_at_queue.wait()
    assert supply.hand_back(WORKER, unless_fresh=True) == []
    assert supply.refill(WORKER) == []  # nor does a slot whose run has a time-out
    assert slot.is_alive()
    is_answered.set()
    slot.join()
    assert [run_id for run_id, _ in supply.hand_back(WORKER, unless_fresh=True)] == run_ids[:CHUNK]


def test_a_claim_that_somebody_doubts_is_handed_back(queue: RunQueue, supply: Supply) -> None:
    enqueue(queue, MANY)
    (run,), _ = supply.take(WORKER, 1)
    supply.doubt([run.id])
    handed_back = supply.hand_back(WORKER, unless_fresh=True)
    assert [run_id for run_id, _ in handed_back] == [run.id]


def test_a_database_that_fails_is_no_reason_to_leave_running_functions_alone(
    database: Config,
    queue: RunQueue,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailableError(queue.name)  # another text each time

    monkeypatch.setattr(Supply, "hand_back", fail)
    make_slots(database, queue, pool=None).hand_back()  # before the drain
    assert f"run.unclaimed error={queue.name}" in capsys.readouterr().err


def test_a_run_is_claimed_together_with_those_that_wait_behind_it(
    queue: RunQueue, supply: Supply
) -> None:
    run_ids = enqueue(queue, CHUNK)
    first = queue.take_now()
    assert first == run_ids[0]
    assert supply.gather(first, WORKER) == []
    assert queue.size() == 0
    assert [run.id for run in supply.take(WORKER, MOST)[0]] == run_ids


@pytest.mark.parametrize(("waiting", "recent_seconds"), [(0, 0.0001), (5, 60)])
def test_a_run_is_left_alone_when_none_waits_or_runs_are_long(
    queue: RunQueue, supply: Supply, waiting: int, recent_seconds: float
) -> None:
    enqueue(queue, 1 + waiting)
    supply.note(recent_seconds)
    first = queue.take_now()
    assert first is not None
    assert supply.gather(first, WORKER) is None
    assert queue.size() == waiting
    assert set(table.runs("claimed_by")) == {(None,)}


def test_a_run_is_left_alone_while_the_supply_has_others(queue: RunQueue, supply: Supply) -> None:
    enqueue(queue, MANY)
    supply.refill(WORKER)
    first = queue.take_now()
    assert first is not None
    assert supply.gather(first, WORKER) is None


def test_a_chunk_is_claimed_and_not_started(queue: RunQueue, supply: Supply) -> None:
    run_ids = enqueue(queue, MANY)
    (first,), released = supply.take(WORKER, 1)
    assert (first.id, first.name, released) == (run_ids[0], "a.f000", [])
    assert queue.size() == MANY - CHUNK
    assert table.runs("status", "claimed_by", "started_at")[:CHUNK] == [
        ("queued", WORKER, None) for _ in range(CHUNK)
    ]
    assert table.runs("claimed_by")[CHUNK:] == [(None,)] * (MANY - CHUNK)


@pytest.mark.parametrize(
    ("waiting", "sharers", "taken"),
    [(100, 2, 50), (101, 2, 50), (60, 2, 30), (60, 3, 20), (30, 2, 19), (12, 2, 12)],
)
def test_each_idle_slot_has_its_share_of_a_chunk_unless_that_is_next_to_nothing(
    queue: RunQueue, supply: Supply, waiting: int, sharers: int, taken: int
) -> None:
    run_ids = enqueue(queue, waiting)
    assert [run.id for run in supply.take(WORKER, MOST, sharers=sharers)[0]] == run_ids[:taken]
    assert supply.has_some() == (waiting > taken)
    assert queue.size() == max(0, waiting - sharers * CHUNK)


def test_a_chunk_serves_the_next_slots_in_the_order_of_the_queue(
    queue: RunQueue, supply: Supply
) -> None:
    run_ids = enqueue(queue, MANY)
    assert take_alone(supply, CHUNK) == run_ids[:CHUNK]


@pytest.mark.parametrize(
    ("seconds", "count"),
    [(0.00001, MOST), (BATCH_SECONDS / 4.5, 4), (0.9 * BATCH_SECONDS, 1)],
)
def test_the_shorter_recent_runs_were_the_more_are_taken_at_once(
    queue: RunQueue, supply: Supply, seconds: float, count: int
) -> None:
    run_ids = enqueue(queue, MANY)
    for _ in range(200):
        supply.note(seconds)
    taken, _ = supply.take(WORKER, MOST)
    assert [run.id for run in taken] == run_ids[:count]


def test_not_more_than_a_chunk_is_taken_however_little_work_it_is(
    queue: RunQueue, supply: Supply
) -> None:
    enqueue(queue, CHUNK + 10)
    for _ in range(200):
        supply.note(0.00001)
    supply.refill(WORKER)
    assert queue.size() == 10


def test_what_is_put_back_is_taken_next(queue: RunQueue, supply: Supply) -> None:
    run_ids = enqueue(queue, MANY)
    first, second = supply.take(WORKER, 2)[0]
    supply.put_back([first, second])
    assert take_alone(supply, 3) == run_ids[:3]


def test_who_puts_back_waits_for_nobody_at_the_queue(
    queue: RunQueue, supply: Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_ids = enqueue(queue, MANY)
    claimed, _ = supply.take(WORKER, 2)
    supply.hand_back(WORKER)
    is_at_queue, may_go_on = threading.Event(), threading.Event()

    def take_slowly(*_: Any, **__: Any) -> list[int]:
        is_at_queue.set()
        may_go_on.wait(PATIENCE_SECONDS)
        return []

    monkeypatch.setattr(queue, "take_chunk", take_slowly)
    other = threading.Thread(target=supply.take, args=(WORKER, 2))
    other.start()
    assert is_at_queue.wait(PATIENCE_SECONDS)

    supply.put_back(claimed)
    supply.doubt([run_ids[2]])
    assert supply.has_some()
    assert other.is_alive()

    may_go_on.set()
    other.join()
    assert take_alone(supply, 2) == run_ids[:2]


@pytest.mark.parametrize(("waiting", "left"), [(3, 3), (4, 2), (7, 4), (14, 7)])
def test_of_a_short_queue_half_is_left_for_others(
    queue: RunQueue, supply: Supply, waiting: int, left: int
) -> None:
    enqueue(queue, waiting)
    for _ in range(200):
        supply.note(BATCH_SECONDS / 1.5)
    supply.refill(WORKER)
    assert queue.size() == left


@pytest.mark.parametrize(("waiting", "taken"), [(1, 0), (2, 2), (10, 10), (12, 6)])
def test_what_is_no_more_than_a_batch_is_not_shared(
    queue: RunQueue, supply: Supply, waiting: int, taken: int
) -> None:
    run_ids = enqueue(queue, waiting)
    for _ in range(200):
        supply.note(BATCH_SECONDS / 10.5)
    assert [run.id for run in supply.take(WORKER, MOST)[0]] == run_ids[:taken]
    assert queue.size() == waiting - taken


def test_the_longer_recent_runs_took_the_less_is_claimed_at_once(
    queue: RunQueue, supply: Supply
) -> None:
    enqueue(queue, MANY)
    for _ in range(200):
        supply.note(CHUNK_SECONDS / 5.5)
    supply.refill(WORKER)
    assert queue.size() == MANY - 5


def test_no_chunk_is_taken_after_a_long_run(queue: RunQueue, supply: Supply) -> None:
    enqueue(queue, MANY)
    supply.note(60)
    assert supply.take(WORKER, MOST) == ([], [])
    assert queue.size() == MANY


@pytest.mark.usefixtures("database")
def test_only_its_worker_starts_what_is_claimed() -> None:
    discover("a.f")
    ((run_id, _),) = tick(NOW)
    ((run,), _) = claims.claim_chunk([run_id], WORKER, NOW)
    assert claims.start([run], "another", NOW) == []
    assert claims.claim_and_start(run_id, "another", NOW) == (None, [])
    assert claims.start([run], WORKER, NOW + 1) == [run]
    assert claims.start([run], WORKER, NOW + 2) == []
    assert table.runs("status", "started_at") == [("running", NOW + 1)]


@pytest.mark.usefixtures("database")
def test_a_claimed_run_that_is_cancelled_never_starts() -> None:
    discover("a.f")
    ((run_id, _),) = tick(NOW)
    ((run,), _) = claims.claim_chunk([run_id], WORKER, NOW)
    assert runs.cancel(run_id, NOW) == ("withdrawn", [])
    assert claims.start([run], WORKER, NOW) == []


@pytest.mark.usefixtures("database")
def test_a_chunk_leaves_out_what_is_claimed_and_misses_what_is_too_late() -> None:
    discover("a.early", "a.late", grace_seconds=5.0)
    (early, _), (late, _) = tick(NOW)
    start_run(early, NOW + 1, "another")
    assert claims.claim_chunk([early, late], WORKER, NOW + 6) == ([], [])
    assert table.runs("status") == [("running",), ("missed",)]


@pytest.mark.usefixtures("database")
def test_what_is_claimed_is_neither_waiting_nor_sent_again() -> None:
    discover("a.f")
    ((run_id, _),) = tick(NOW)
    claims.claim_chunk([run_id], WORKER, NOW)
    assert messages.count_waiting(NOW + 60) == 0
    assert messages.take_overdue(NOW + 60) == []


@pytest.mark.usefixtures("database")
def test_what_is_handed_back_is_queued_as_the_same_attempt() -> None:
    discover("a.f", "a.g", priority=3)
    (first, _), (second, _) = tick(NOW)
    claims.claim_chunk([first, second], WORKER, NOW)
    assert claims.hand_back([first], WORKER, NOW + 1) == [(first, 3)]
    assert claims.hand_back(None, WORKER, NOW + 1) == [(second, 3)]
    assert claims.hand_back(None, WORKER, NOW + 1) == []
    assert (
        table.runs("status", "attempt", "claimed_by", "claimed_at")
        == [("queued", 1, None, None)] * 2
    )
    assert start_run(first, NOW + 2, "another").attempt == 1


def test_what_no_slot_comes_for_is_handed_back(
    queue: RunQueue, supply: Supply, clock: SettableClock
) -> None:
    run_ids = enqueue(queue, MANY)
    supply.take(WORKER, 1)
    assert supply.hand_back(WORKER, unless_fresh=True) == []
    clock.advance(STALE_SECONDS)
    assert [run_id for run_id, _ in supply.hand_back(WORKER, unless_fresh=True)] == run_ids[1:CHUNK]
    assert supply.hand_back(WORKER) == []


@pytest.mark.usefixtures("database")
def test_a_claim_whose_worker_left_without_it_is_found() -> None:
    discover("a.f")
    ((run_id, _),) = tick(NOW)
    claims.claim_chunk([run_id], WORKER, NOW)
    assert finishes.fetch_absent_owners(NOW) == []
    assert finishes.fetch_absent_owners(NOW + 1) == [WORKER]
    processes.register(ProcessRow(WORKER, "worker", "host", 7, NOW, 0, NOW, 2, "running", None))
    assert finishes.fetch_absent_owners(NOW + 1) == []


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("config", ["sqlite"], indirect=True)  # which alone counts its steps
def test_a_finish_costs_the_same_however_many_runs_of_its_function_wait() -> None:
    discover("a.f", overlap="allow")
    ((run_id, _),) = tick(NOW)
    run = start_run(run_id, NOW)
    alone = _steps_of_finish(run)
    with transaction():
        for _ in range(1000):
            runs.insert_run_log(run.function_id, NOW, now=NOW, is_held_while_open=False)
    assert _steps_of_finish(run) < alone + 1000


def _steps_of_finish(run: claims.ClaimedRun) -> int:
    return count_steps(lambda: finishes.finish(run, SUCCESS, WORKER, NOW))
