"""A long queue of short runs: workers claim chunks of it, and lose none of them when they end."""

import pytest

from scheduler.crashpoints import CRASH_POINTS
from tests.process.backends import ALL_BACKENDS, Backend
from tests.process.bursts import UNFINISHED, Burst
from tests.process.service import Service, stop

POINTS = (
    "supply.dequeued",
    "supply.uncommitted",
    "supply.claimed",
    "slot.started",
    "finish.uncommitted",
    "slot.finished",
)
CLAIMED = "SELECT 1 FROM run_logs WHERE status = 'queued' AND claimed_by IS NOT NULL"


@pytest.fixture
def burst(service: Service) -> Burst:
    return Burst(service)


def test_the_points_around_chunks_are_all_tried() -> None:
    assert {point for point in CRASH_POINTS if point.startswith("supply.")} <= set(POINTS)


@ALL_BACKENDS
@pytest.mark.full(sample=1)
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_over_a_chunk_loses_only_what_ran_and_runs_nothing_twice(
    service: Service, burst: Burst, point: str
) -> None:
    passage = 2 if point.startswith("supply.") else 30
    first = service.start("worker", SCHEDULER_CRASH_POINT=f"{point}:{passage}")
    burst.feed_until_it_dies(first)
    service.start("ticker")
    service.start("worker")
    burst.assert_each_ran_once()


@ALL_BACKENDS
def test_a_worker_that_is_stopped_hands_back_what_it_has_not_started(
    service: Service, burst: Burst, backend: Backend
) -> None:
    burst.enqueue(*["note"] * (2000 if backend.database_url else 6000))  # seconds of work on each
    worker = service.start("worker")
    service.wait_rows("SELECT 1 FROM run_logs WHERE status = 'success'", at_least=200)
    assert stop(worker) == 0
    assert service.rows(CLAIMED) == []
    assert service.rows(UNFINISHED), "it stopped in the midst of them"
    service.start("worker")
    burst.assert_each_ran_once()
