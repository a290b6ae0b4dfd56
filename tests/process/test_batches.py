"""Batches in a real service: fast, and yet nothing is lost, held up or mixed up."""

import os
import signal
from contextlib import suppress

import pytest

from scheduler.db.batches import UNHEARD
from tests.process.bursts import Burst
from tests.process.service import Service, descendants, wait_for

SUCCEEDED = "SELECT 1 FROM run_logs WHERE status = 'success'"


@pytest.fixture
def burst(service: Service) -> Burst:
    return Burst(service)


def test_a_worker_killed_over_a_batch_loses_only_what_ran_and_runs_nothing_twice(
    service: Service, burst: Burst
) -> None:
    worker = service.start("worker", SCHEDULER_CRASH_POINT="batch.sent:5")
    burst.feed_until_it_dies(worker)
    service.start("ticker")
    service.start("worker")
    burst.assert_each_ran_once()


def test_what_had_succeeded_when_its_worker_was_killed_is_a_success(
    service: Service, burst: Burst
) -> None:
    worker = service.start("worker", SCHEDULER_CRASH_POINT="batch.ended:5")
    burst.feed_until_it_dies(worker)
    service.start("ticker")
    service.start("worker")
    burst.assert_each_ran_once()
    unheard = service.rows("SELECT id FROM run_logs WHERE reason = ?", UNHEARD)
    assert len(unheard) > 1


def test_a_worker_killed_with_all_its_processes_at_once_loses_no_more(
    service: Service, burst: Burst
) -> None:
    burst.enqueue(*["note"] * 4000)
    worker = service.start("worker")
    service.wait_rows(SUCCEEDED, at_least=500)
    for pid in (worker.pid, *descendants(worker.pid)):
        with suppress(ProcessLookupError):  # an executor may have served its hundred
            os.kill(pid, signal.SIGKILL)
    service.start("ticker")
    service.start("worker")
    burst.assert_each_ran_once()


def test_a_long_run_in_the_midst_of_short_ones_holds_up_none_of_them(
    service: Service, burst: Burst
) -> None:
    service.start("ticker")
    service.start("worker", "--concurrency", "2")
    burst.enqueue(*["note"] * 400)
    burst.wait_over()
    names = ["note"] * 400
    names[150] = "wait"
    run_ids = burst.enqueue(*names)
    service.wait_rows(SUCCEEDED, at_least=799)
    assert service.rows("SELECT id, status FROM run_logs WHERE status != 'success'") == [
        (run_ids[150], "running")
    ]
    burst.release()
    burst.assert_each_ran_once()


def test_a_long_run_in_the_midst_of_short_ones_can_be_cancelled(
    service: Service, burst: Burst
) -> None:
    service.start("ticker")
    service.start("worker", "--concurrency", "2")
    names = ["note"] * 400
    names[200] = "wait"
    run_ids = burst.enqueue(*names)
    service.wait_rows(SUCCEEDED, at_least=399)
    assert service.run("cancel", str(run_ids[200])).returncode == 0
    service.wait_rows("SELECT 1 FROM run_logs WHERE id = ? AND status = 'cancelled'", run_ids[200])


def test_each_run_has_what_it_printed_and_when_it_ran(service: Service, burst: Burst) -> None:
    service.start("worker", "--concurrency", "2")
    names = [("talk" if number % 7 == 3 else "note") for number in range(600)]
    run_ids = burst.enqueue(*names)
    burst.assert_each_ran_once()
    found = dict(service.rows("SELECT id, output FROM run_logs"))
    assert found == {
        run_id: f"words of {run_id}\n" if name == "talk" else None
        for run_id, name in zip(run_ids, names, strict=True)
    }
    assert service.rows("SELECT id FROM run_logs WHERE started_at > finished_at") == []
    ((last_started_at, last_duration_seconds),) = service.rows(
        "SELECT last_started_at, last_duration_seconds FROM scheduled_functions "
        "WHERE qualname = 'note'"
    )
    spans = service.rows(
        "SELECT started_at, finished_at - started_at FROM run_logs r "
        "JOIN scheduled_functions f ON f.id = r.function_id WHERE qualname = 'note'"
    )
    starts, durations = zip(*spans, strict=True)
    assert last_started_at in starts
    assert last_duration_seconds in durations  # of the last that ended, in whichever slot


def test_a_worker_killed_beside_a_long_run_starts_nothing_again_that_had_been_taken_back(
    service: Service, burst: Burst
) -> None:
    names = ["note"] * 600
    for place in (100, 250, 400):
        names[place] = "wait"
    burst.enqueue(*names)
    worker = service.start("worker", "--concurrency", "4")
    service.wait_rows(SUCCEEDED, at_least=550)
    worker.kill()
    wait_for(lambda: not service.living(), "the end of its executors")
    burst.release()
    service.start("ticker")
    service.start("worker")
    burst.wait_over()
    assert set(burst.calls().values()) == {1}
    lost = service.rows("SELECT 1 FROM run_logs WHERE status != 'success'")
    assert 1 <= len(lost) <= 4, "what was in a slot, a long run at least"
