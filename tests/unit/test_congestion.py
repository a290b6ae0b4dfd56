"""When runs that wait are a problem, and of which kind: no slot, or nobody who hands them out."""

from dataclasses import dataclass
from typing import Any

import pytest

from scheduler.maintenance.congestion import Congestion, Holder, find_congestion

NOW = 1_800_000_000.0


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker as a test needs it."""

    id: str = "w"
    slots: int = 2
    started_at: float = NOW - 999


def congestion(waited: float, **what: Any) -> Congestion | None:
    """Ask about 3 runs of which the oldest has waited for so long; nothing runs unless told."""
    usual: dict[str, Any] = {
        "waiting": 3,
        "oldest_waiting_at": NOW - waited,
        "holders": [],
        "workers": [Worker()],
        "last_started_at": NOW - 600,
        "now": NOW,
    }
    return find_congestion(**{**usual, **what})


def going(*seconds: float, worker_id: str = "w") -> list[Holder]:
    """Return runs that have been going for so long."""
    return [Holder(n, "a.b", NOW - s, worker_id) for n, s in enumerate(seconds, 1)]


@pytest.mark.parametrize(("slots", "beside"), [(3, "2 slots are free"), (2, "a slot is free")])
def test_runs_that_wait_beside_a_free_slot_wait_for_the_queue_and_not_for_more_workers(
    slots: int, beside: str
) -> None:
    found = congestion(51, workers=[Worker(slots=slots)], holders=going(60))

    assert found is not None
    assert found.text == f"3 runs wait although {beside}, the oldest for 51s"
    assert found.remedy == "scheduler check tells whether the queue can be reached"
    assert found.is_idle


def test_a_burst_beside_a_free_slot_passes() -> None:
    assert congestion(4) is None
    assert congestion(20, last_started_at=NOW - 1) is None, "others start meanwhile"
    assert congestion(3600, workers=[Worker(started_at=NOW - 3)]) is None, "it has only begun"


def test_runs_that_wait_beside_a_free_slot_for_long_are_told_though_others_start() -> None:
    assert congestion(31, last_started_at=NOW - 1) is not None


def test_more_workers_are_advised_only_where_no_slot_is_free() -> None:
    found = congestion(31, holders=going(0.1, 0.2))

    assert found is not None
    assert found.text == "3 runs wait for a free slot, the oldest for 31s"
    assert found.remedy == "raise worker_concurrency or start another worker"
    assert not found.is_idle


def test_a_run_of_a_worker_that_takes_nothing_more_holds_no_slot_of_the_others() -> None:
    found = congestion(31, holders=[*going(0.1), *going(60, worker_id="drains")])

    assert found is not None
    assert found.is_idle


def test_without_a_worker_nothing_waits_for_a_slot() -> None:
    assert congestion(600, workers=[]) is None
