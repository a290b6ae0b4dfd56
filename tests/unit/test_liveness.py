"""Who counts as dead: rules of the observer, without processes, clocks or databases."""

from dataclasses import replace
from pathlib import Path

import pytest

from scheduler.db.processes import ProcessRow
from scheduler.executor.lease import FUSE_SHARE
from scheduler.maintenance.liveness import LOOK_SHARE, Watch
from scheduler.worker import LEASE_SHARE

WORKER = ProcessRow(
    id="w",
    role="worker",
    host="host",
    pid=7,
    started_at=0.0,
    beat=1,
    heartbeat_at=0.0,
    slots=1,
    state="running",
    detail=None,
)


def dead_at(watch: Watch, *looks: tuple[float, int]) -> list[float]:
    """Return the instants of those (monotonic, beat) looks that found the worker dead."""
    return [at for at, beat in looks if watch.look([replace(WORKER, beat=beat)], at)]


def test_a_counter_that_stands_still_is_a_death_two_looks_before_the_time_is_over() -> None:
    looks = [(float(second), 1) for second in range(20)]
    assert dead_at(Watch(None, 15), *looks) == [13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0]


def test_the_silence_is_always_longer_than_the_lease_of_the_executors() -> None:
    looks = [(tenth / 10, 1) for tenth in range(30)]
    assert dead_at(Watch(None, 2), *looks)[0] == 1.6


@pytest.mark.parametrize("dead_after_seconds", [0.3, 0.7, 1.5, 3, 5.5, 7, 9.5, 10, 15, 3600])
@pytest.mark.parametrize("phase", [0.01, 0.5, 0.99])
def test_a_death_is_told_within_the_time_and_not_before_the_lease_has_ended(
    dead_after_seconds: float, phase: float
) -> None:
    watch = Watch(None, dead_after_seconds)
    looks = [((look + phase) * watch.look_seconds, 1) for look in range(3601)]
    told_after_seconds = dead_at(watch, *looks)[0]  # the last beat was at 0
    assert told_after_seconds <= dead_after_seconds
    assert told_after_seconds > LEASE_SHARE * FUSE_SHARE * dead_after_seconds


def test_what_the_lease_does_not_end_the_fuse_ends_before_anybody_can_declare_death() -> None:
    assert LEASE_SHARE < LEASE_SHARE * FUSE_SHARE < 1 - 2 * LOOK_SHARE


def test_a_counter_that_moves_keeps_its_process_alive() -> None:
    looks = [(float(second), second // 12) for second in range(60)]
    assert dead_at(Watch(None, 15), *looks) == []


def test_an_observer_that_was_away_has_not_seen_silence() -> None:
    assert dead_at(Watch(None, 15), (0.0, 1), (1.0, 1), (2.0, 1), (600.0, 1), (601.0, 2)) == []


def test_three_looks_are_needed_however_far_apart_they_are() -> None:
    assert dead_at(Watch(None, 15), (0.0, 1), (100.0, 1), (200.0, 1), (300.0, 1)) == [300.0]


def test_a_process_that_was_declared_lost_is_not_found_dead_again() -> None:
    watch = Watch(None, 1)
    lost = replace(WORKER, state="lost")
    assert [watch.look([lost], float(second)) for second in range(5)] == [[]] * 5


def test_a_lock_that_can_be_taken_is_a_death_at_the_first_look(tmp_path: Path) -> None:
    (tmp_path / "w.lock").touch()
    assert [death.process.id for death in Watch(tmp_path, 15).look([WORKER], 0.0)] == ["w"]
