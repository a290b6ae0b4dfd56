"""A start whose commit nobody confirmed: the worker has not begun the run, and says so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scheduler.clock import SystemClock
from scheduler.config import Config
from scheduler.db.claims import claim_and_start
from scheduler.db.statements import transaction
from scheduler.errors import DatabaseUnavailableError
from scheduler.executor.call import Outcome
from scheduler.executor.lease import Lease
from scheduler.queue import RunQueue, open_queue
from scheduler.worker import verdicts
from scheduler.worker.reconciliation import reconcile
from scheduler.worker.slot import Slots
from tests.db import rows as table
from tests.db.rows import NOW, WORKER, discover, tick
from tests.db.slots import make_slots


class Pool:
    """Notes which runs it was given; each does what the test wants, and succeeds."""

    def __init__(self) -> None:
        self.lease = Lease(None, SystemClock())
        self.begun: list[int] = []
        self.tally = None
        self.act: Callable[[], object] = lambda: None

    def run(self, call: Any, *_: object, **__: object) -> Outcome:
        self.begun.append(call.run_id)
        self.act()
        return Outcome(status="success")


class Answers:
    """Loses the answer to a commit, once for each time it is told to."""

    def __init__(self) -> None:
        self.to_lose = 0
        self._depth = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._depth += 1
        try:
            with transaction():
                yield
        finally:
            self._depth -= 1
        if self.to_lose and not self._depth:
            self.to_lose -= 1
            raise DatabaseUnavailableError("the connection was lost after the commit")

    def claim_and_start(self, *arguments: Any) -> Any:
        with self.transaction():
            return claim_and_start(*arguments)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    answers = Answers()
    monkeypatch.setattr(verdicts, "transaction", answers.transaction)
    monkeypatch.setattr(verdicts, "claim_and_start", answers.claim_and_start)
    return answers


@pytest.fixture
def pool() -> Pool:
    return Pool()


@pytest.fixture
def queue(database: Config) -> Iterator[RunQueue]:
    queue = open_queue(database, "test")
    yield queue
    queue.storage.close()


@pytest.fixture
def slots(database: Config, queue: RunQueue, pool: Pool) -> Slots:
    return make_slots(database, queue, pool)


def enqueue(count: int) -> list[int]:
    """Queue one run of each of so many functions; return their ids."""
    discover(*(f"a.f{number}" for number in range(count)))
    return [run_id for run_id, _ in tick(NOW)]


def execute_without_answer(slots: Slots, answers: Answers, run_id: int) -> None:
    """Execute a run whose claim is committed, but nobody hears of it."""
    answers.to_lose = 1
    with pytest.raises(DatabaseUnavailableError):
        slots.execute(run_id)


def test_what_was_claimed_without_an_answer_goes_back_to_the_queue_and_runs(
    slots: Slots, pool: Pool, answers: Answers
) -> None:
    (run_id,) = enqueue(1)
    execute_without_answer(slots, answers, run_id)
    assert table.runs("status", "claimed_by") == [("running", WORKER)]
    assert [message[0] for message in reconcile(WORKER, slots, NOW)] == [run_id]
    assert table.runs("status", "claimed_by", "started_at") == [("queued", None, None)]
    slots.execute(run_id)
    assert pool.begun == [run_id]
    assert table.runs("status") == [("success",)]


def test_what_was_started_with_the_finish_before_goes_back_when_both_were_without_an_answer(
    slots: Slots, queue: RunQueue, pool: Pool, answers: Answers
) -> None:
    first, second = enqueue(2)
    queue.send([(second, 0)])

    def lose_the_next_answer() -> None:
        answers.to_lose = 1

    pool.act = lose_the_next_answer
    slots.execute(first)
    assert table.runs("status") == [("success",), ("running",)]
    assert [message[0] for message in reconcile(WORKER, slots, NOW)] == [second]
    assert table.runs("status") == [("success",), ("queued",)]
    assert pool.begun == [first]


def test_what_was_begun_is_lost_although_its_start_had_been_in_doubt_before(
    slots: Slots, pool: Pool, answers: Answers
) -> None:
    (run_id,) = enqueue(1)
    execute_without_answer(slots, answers, run_id)
    reconcile(WORKER, slots, NOW)

    def fail() -> None:
        raise ValueError("a fault of ours")

    pool.act = fail
    with pytest.raises(ValueError, match="ours"):
        slots.execute(run_id)
    assert reconcile(WORKER, slots, NOW) == []
    assert table.runs("status", "reason") == [("lost", "its worker no longer knows of it")]


def test_nothing_in_a_slot_is_touched(slots: Slots, pool: Pool) -> None:
    (run_id,) = enqueue(1)

    def look() -> None:
        assert reconcile(WORKER, slots, NOW) == []
        assert table.runs("status") == [("running",)]

    pool.act = look
    slots.execute(run_id)
    assert table.runs("status") == [("success",)]
