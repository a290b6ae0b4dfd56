"""A slot and its batches: every row ends right, whatever happens between two commits."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scheduler.clock import SystemClock
from scheduler.config import Config
from scheduler.db import runs
from scheduler.db.claims import start
from scheduler.db.finishes import finish
from scheduler.db.statements import rows, transaction
from scheduler.errors import DatabaseUnavailableError
from scheduler.executor.batch import BatchEnd, GoingRun
from scheduler.executor.call import Call, Outcome
from scheduler.executor.lease import Lease
from scheduler.queue import RunQueue, open_queue
from scheduler.testing import SettableClock
from scheduler.worker import verdicts
from scheduler.worker.reconciliation import reconcile
from scheduler.worker.slot import Slots
from tests.db.rows import NOW, WORKER, discover
from tests.db.slots import make_slots
from tests.process.service import wait_for

SUCCESS = Outcome(status="success", began_at=NOW + 0.001, ended_at=NOW + 0.002)
COUNT = 12
PATIENCE_SECONDS = 10.0


class Pool:
    """Executors that do what the test says: `act` is called with the calls of each batch."""

    def __init__(self) -> None:
        self.lease = Lease(None, SystemClock())
        self.tally: object | None = object()
        self.begun: list[int] = []
        self.batches: list[int] = []
        self.most = 100
        self.act: Callable[[list[Call]], BatchEnd] = self.succeed

    def room(self, _scan_path: str) -> int:
        return self.most

    def hand_over(self, _cell: int, _run_ids: list[int], _started_at: float) -> object | None:
        return self.tally

    def run(self, call: Call, *_: object, meanwhile: Callable[[], None], **__: object) -> Outcome:
        meanwhile()
        return self.act([call]).outcomes[0]

    def run_batch(self, calls: list[Call], *, meanwhile: Callable[[], None], **_: Any) -> BatchEnd:
        meanwhile()
        self.batches.append(len(calls))
        return self.act(calls)

    def succeed(self, calls: list[Call]) -> BatchEnd:
        self.begun += [call.run_id for call in calls]
        return BatchEnd([SUCCESS] * len(calls))

    def second_is_long(self, wait: Callable[..., Outcome]) -> None:
        """From now on let the second run of a batch go on until `wait` returns how it ended."""

        def act(calls: list[Call]) -> BatchEnd:
            self.begun += [calls[0].run_id, calls[1].run_id]
            return BatchEnd([SUCCESS], GoingRun(wait, lambda: None))

        self.act = act


class Lookout:
    """Where, once `slots` is set, a slot is idle until it is called."""

    def __init__(self) -> None:
        self.slots: Slots | None = None
        self.helper: threading.Thread | None = None

    @property
    def idle(self) -> int:
        return int(self.slots is not None and self.helper is None)

    def call(self) -> None:
        if self.slots is not None and self.helper is None:
            self.helper = threading.Thread(target=self.slots.help_out)
            self.helper.start()


@pytest.fixture
def lookout() -> Lookout:
    return Lookout()


@pytest.fixture
def pool() -> Pool:
    return Pool()


@pytest.fixture
def queue(database: Config) -> Iterator[RunQueue]:
    queue = open_queue(database, "test")
    yield queue
    queue.storage.flush_queue()
    queue.storage.close()


@pytest.fixture
def slots(database: Config, queue: RunQueue, pool: Pool, lookout: Lookout) -> Slots:
    """The slots of a worker whose recent runs were short."""
    slots = make_slots(database, queue, pool, lookout)
    enqueue(queue, COUNT)
    for _ in range(3):
        slots.execute(take(queue))
        enqueue(queue, COUNT)
    pool.begun.clear()
    pool.batches.clear()
    return slots


def enqueue(queue: RunQueue, count: int) -> list[int]:
    """Queue a run of each of so many functions that have none; return their ids."""
    discover(*(f"a.f{number:02}" for number in range(count)), overlap="allow")
    with transaction():
        ids = [id_ for (id_,) in rows("SELECT id FROM scheduled_functions ORDER BY id")]
        sent = []
        for function_id in ids:
            sent += runs.insert_run_log(function_id, NOW, now=NOW, is_held_while_open=False)[1]
    queue.send(sent)
    return [run_id for run_id, _ in sent]


def take(queue: RunQueue) -> int:
    run_id = queue.take_now()
    assert run_id is not None
    return run_id


def open_rows() -> list[tuple[Any, ...]]:
    return rows("SELECT status, claimed_by FROM run_logs WHERE finished_at IS NULL")


def test_a_burst_is_worked_off_in_batches(slots: Slots, queue: RunQueue, pool: Pool) -> None:
    slots.execute(take(queue))
    assert pool.batches
    assert open_rows() == []
    assert len(pool.begun) == len(set(pool.begun))
    assert slots.controls() == {}
    assert slots.busy == 0


@pytest.mark.parametrize("most", [100, 1], ids=["in batches", "one by one"])
def test_an_idle_slot_runs_its_share_of_what_another_has_claimed(
    slots: Slots, queue: RunQueue, pool: Pool, lookout: Lookout, most: int
) -> None:
    pool.most = most
    both = threading.Barrier(2)
    waits = [both.wait] * 2

    def act(calls: list[Call]) -> BatchEnd:
        if waits:
            waits.pop()(PATIENCE_SECONDS)
        return pool.succeed(calls)

    pool.act = act
    lookout.slots = slots
    slots.execute(take(queue))
    assert lookout.helper is not None
    lookout.helper.join(PATIENCE_SECONDS)
    assert open_rows() == []
    assert len(pool.begun) == len(set(pool.begun)) == COUNT
    assert slots.busy == 0


def test_what_did_not_begin_goes_to_other_slots_while_a_long_run_goes_on(
    slots: Slots, queue: RunQueue, pool: Pool
) -> None:
    seen: list[list[tuple[Any, ...]]] = []

    def wait(*_: object) -> Outcome:
        seen.append(rows("SELECT id, claimed_by FROM run_logs WHERE status = 'running'"))
        seen.append(rows("SELECT id FROM run_logs WHERE status = 'queued' AND claimed_by IS NULL"))
        pool.act = pool.succeed
        return SUCCESS

    pool.second_is_long(wait)
    slots.execute(take(queue))
    running, waiting = seen
    assert len(running) == 1
    assert waiting
    assert open_rows() == []
    assert len(pool.begun) == len(set(pool.begun))


def test_verdicts_that_could_not_be_written_are_written_beside_a_long_run(
    slots: Slots, queue: RunQueue, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [DatabaseUnavailableError("the disk is full")]

    def fail_once(*arguments: Any) -> Any:
        if failures and pool.batches:
            raise failures.pop()
        return finish(*arguments)

    def wait(*_: object) -> Outcome:
        ended = "SELECT 1 FROM run_logs WHERE id = ? AND status = 'success'"
        wait_for(lambda: rows(ended, [pool.begun[-2]]), "the verdict of the run before")
        pool.act = pool.succeed
        return SUCCESS

    monkeypatch.setattr(verdicts, "finish", fail_once)
    pool.second_is_long(wait)
    slots.execute(take(queue))
    assert not failures
    assert open_rows() == []
    assert len(pool.begun) == len(set(pool.begun))


def test_a_batch_whose_start_nobody_confirmed_goes_back_and_runs_once(
    slots: Slots, queue: RunQueue, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [DatabaseUnavailableError("the answer was lost")]

    def start_without_an_answer(claimed: Any, worker_id: str, now: float) -> Any:
        started = start(claimed, worker_id, now)
        if failures and len(claimed) > 1:
            raise failures.pop()
        return started

    monkeypatch.setattr(verdicts, "start", start_without_an_answer)
    with pytest.raises(DatabaseUnavailableError):
        slots.execute(take(queue))
    assert rows("SELECT 1 FROM run_logs WHERE status = 'running'")
    queue.send(reconcile(WORKER, slots, NOW + 2))
    slots.hand_back()
    while (run_id := queue.take_now()) is not None:
        slots.execute(run_id)
    assert open_rows() == []
    assert len(pool.begun) == len(set(pool.begun))


def test_what_was_taken_back_without_an_answer_goes_back_to_the_queue_and_runs_once(
    slots: Slots, queue: RunQueue, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [DatabaseUnavailableError("the answer was lost")]

    def write_without_an_answer(owed: verdicts.Owed, *arguments: Any) -> verdicts.Written:
        written = verdicts.write(owed, *arguments)
        if failures and owed.unbegun:
            raise failures.pop()
        return written

    def wait(*_: object) -> Outcome:
        pool.act = pool.succeed
        return SUCCESS

    monkeypatch.setattr("scheduler.worker.shift.write", write_without_an_answer)
    pool.second_is_long(wait)
    slots.execute(take(queue))
    slots.hand_back()  # as the heartbeat does
    while (run_id := queue.take_now()) is not None:
        slots.execute(run_id)
    assert not failures
    assert open_rows() == []
    assert len(pool.begun) == len(set(pool.begun))


def test_a_batch_of_which_one_run_is_left_is_still_in_the_tally(
    slots: Slots, queue: RunQueue, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancel_all_but_the_first(_cell: int, run_ids: list[int], _started_at: float) -> object:
        for run_id in run_ids[1:]:
            runs.cancel(run_id, NOW + 1)
        return pool.tally

    monkeypatch.setattr(pool, "hand_over", cancel_all_but_the_first)
    slots.execute(take(queue))
    assert set(pool.batches) == {1}
    assert open_rows() == []


def test_without_a_tally_runs_start_one_by_one(slots: Slots, queue: RunQueue, pool: Pool) -> None:
    pool.tally = None
    slots.execute(take(queue))
    assert pool.batches == []
    assert open_rows() == []


def test_messages_that_name_a_run_twice_do_no_harm(
    slots: Slots, queue: RunQueue, pool: Pool
) -> None:
    waiting = [id_ for (id_,) in rows("SELECT id FROM run_logs WHERE status = 'queued'")]
    queue.send([(run_id, 0) for run_id in waiting])
    slots.execute(take(queue))
    assert sorted(pool.begun) == sorted(waiting)
    assert open_rows() == []


def test_without_a_valid_lease_nothing_more_is_taken(
    slots: Slots, queue: RunQueue, pool: Pool
) -> None:
    valid, expired = pool.lease, Lease(9.0, SettableClock(), renewed_at=-1000.0)
    waiting = queue.size()
    pool.lease = expired
    slots.help_out()
    assert (queue.size(), pool.begun) == (waiting, [])

    pool.lease = valid
    slots.help_out()
    assert queue.size() < waiting
    assert pool.begun
