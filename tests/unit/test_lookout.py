"""One idle slot looks out for all of a worker; what rings is passed on to the next."""

import select
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from scheduler.clock import SystemClock
from scheduler.doorbell import Doorbell
from scheduler.executor.lease import Lease
from scheduler.queue import RunQueue
from scheduler.stopping import StopSignal
from scheduler.storages.sqlite import BulkSqliteStorage
from scheduler.testing import SettableClock
from scheduler.worker.lookout import Lookout
from tests.process.service import wait_for

PATIENCE_SECONDS = 10.0
FOR_EVER = Lease(None, SystemClock())


@pytest.fixture
def bell(tmp_path: Path) -> Iterator[Doorbell]:
    bell = Doorbell(tmp_path / "queue.bell")
    yield bell
    bell.close()


@pytest.fixture
def queue(tmp_path: Path, bell: Doorbell) -> Iterator[RunQueue]:
    queue = RunQueue("q", BulkSqliteStorage, filename=str(tmp_path / "q.db"), durability="normal")
    queue.doorbell = bell
    queue.execute_with(lambda run_id: None)
    yield queue
    queue.storage.close()


@pytest.fixture
def stop() -> StopSignal:
    return StopSignal()


@pytest.fixture
def lookout(queue: RunQueue, stop: StopSignal) -> Lookout:
    return Lookout(queue, stop, FOR_EVER, unrung_seconds=3600.0)


@contextmanager
def idle_slots(
    lookout: Lookout, count: int, stop: StopSignal
) -> Iterator[list[Future[int | None]]]:
    """Yield what so many idle slots will get, run ids or None; stop them at the end."""
    with ThreadPoolExecutor(count) as threads:
        try:
            yield [threads.submit(_next_run, lookout) for _ in range(count)]
        finally:
            stop.set()


def wait_listening(bell: Doorbell) -> None:
    """Return when somebody has taken a ring, and so listens for the next."""
    bell.ring()
    wait_for(lambda: not select.select(bell.fds(), (), (), 0)[0], "a slot to listen")


def _next_run(lookout: Lookout) -> int | None:
    task = lookout.next_task()
    return None if task is None else int(task.args[0])


def test_a_slot_that_several_rings_have_woken_leaves_it_to_its_supply_to_take_messages(
    queue: RunQueue, bell: Doorbell, lookout: Lookout, stop: StopSignal
) -> None:
    with idle_slots(lookout, 1, stop) as (got,):
        bell.ring(2)
        assert got.result(PATIENCE_SECONDS) is None


def test_another_idle_slot_listens_while_the_one_that_was_woken_is_at_work(
    queue: RunQueue, bell: Doorbell, lookout: Lookout, stop: StopSignal
) -> None:
    with idle_slots(lookout, 2, stop) as got:
        bell.ring(2)
        wait_for(lambda: lookout.idle == 1, "one that comes")
        queue.send([(1, 0)])
        results = [run.result(PATIENCE_SECONDS) for run in got]
    assert sorted(results, key=str) == [1, None]


def test_the_last_idle_slot_rings_for_what_it_leaves_to_other_workers(
    queue: RunQueue, bell: Doorbell, lookout: Lookout, stop: StopSignal
) -> None:
    with idle_slots(lookout, 1, stop) as (got,):
        wait_listening(bell)
        queue.storage.enqueue_many([(b"1", 0), (b"2", 0)])
        bell.ring()
        assert got.result(PATIENCE_SECONDS) == 1
    assert bell.drain(), "it took the only ring"


@pytest.mark.parametrize("comes_back", ["at once", "as another's"])
def test_a_slot_that_listens_at_a_bell_that_is_removed_hears_the_new_one(
    queue: RunQueue, bell: Doorbell, lookout: Lookout, stop: StopSignal, comes_back: str
) -> None:
    with idle_slots(lookout, 1, stop) as (got,):
        wait_listening(bell)
        bell.path.unlink()
        if comes_back == "as another's":
            Doorbell(bell.path).close()
        bell.reopen_if_replaced()
        queue.send([(1, 0)])
        assert got.result(PATIENCE_SECONDS) == 1


def test_a_slot_that_is_called_comes_without_a_message_and_the_others_still_listen(
    queue: RunQueue, bell: Doorbell, lookout: Lookout, stop: StopSignal
) -> None:
    with idle_slots(lookout, 2, stop) as got:
        wait_listening(bell)
        wait_for(lambda: lookout.idle == 2, "both slots")
        lookout.call()
        wait_for(lambda: lookout.idle == 1, "one that comes")
        queue.send([(1, 0)])
        results = [run.result(PATIENCE_SECONDS) for run in got]
    assert sorted(results, key=str) == [1, None]


def test_a_call_that_comes_a_moment_before_a_slot_is_idle_is_heard_once(
    queue: RunQueue, lookout: Lookout, stop: StopSignal
) -> None:
    lookout.call()
    lookout.call()
    with idle_slots(lookout, 1, stop) as (got,):
        assert got.result(PATIENCE_SECONDS) is None
        queue.send([(1, 0)])
        assert _next_run(lookout) == 1


def test_a_slot_that_is_called_and_rung_for_at_once_rings_for_what_it_leaves(
    bell: Doorbell, lookout: Lookout, stop: StopSignal
) -> None:
    with idle_slots(lookout, 1, stop) as (got,):
        wait_listening(bell)
        lookout.call()
        bell.ring()
        assert got.result(PATIENCE_SECONDS) is None
    wait_for(bell.drain, "its ring, or ours")


def test_all_idle_slots_leave_when_they_are_told_to_stop(
    lookout: Lookout, stop: StopSignal
) -> None:
    with idle_slots(lookout, 3, stop) as got:
        stop.set()
        assert [run.result(PATIENCE_SECONDS) for run in got] == [None, None, None]


@pytest.mark.parametrize("take", [RunQueue.take_now, RunQueue.dequeue])
def test_a_message_whose_ring_was_lost_is_rung_for_until_somebody_takes_it(
    queue: RunQueue, bell: Doorbell, take: Callable[[RunQueue], object]
) -> None:
    queue.send([(1, 0)])
    assert bell.drain()

    queue.ring_if_waiting()
    assert bell.drain()

    take(queue)
    queue.ring_if_waiting()
    assert not bell.drain()


def test_a_heartbeat_does_not_wait_for_a_slot_that_is_at_the_queue(
    queue: RunQueue, bell: Doorbell
) -> None:
    queue.storage.enqueue_many([(b"1", 0)])
    with queue.storage.lock:
        queue.ring_if_waiting()
    assert not bell.drain()


def test_without_a_valid_lease_no_message_is_taken_until_a_heartbeat_renews_it(
    queue: RunQueue, stop: StopSignal
) -> None:
    clock = SettableClock()
    lease = Lease(9.0, clock)
    clock.advance(10.0)
    with idle_slots(Lookout(queue, stop, lease), 1, stop) as (got,):
        queue.send([(1, 0)])
        with pytest.raises(TimeoutError):
            got.result(0.1)
        assert queue.size() == 1
        lease.renew(lease.now())
        assert got.result(PATIENCE_SECONDS) == 1


def test_who_waits_for_a_lease_hears_the_stop(queue: RunQueue, stop: StopSignal) -> None:
    clock = SettableClock()
    lease = Lease(9.0, clock)
    clock.advance(10.0)
    with idle_slots(Lookout(queue, stop, lease), 1, stop) as (got,):
        queue.send([(1, 0)])
        stop.set()
        assert got.result(PATIENCE_SECONDS) is None
    assert queue.size() == 1
