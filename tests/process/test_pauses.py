"""A stopped worker cannot act: the system kills its user code before others may repeat it."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scheduler.clock import SleepCountingClock, SystemClock
from tests.process.service import is_alive, wait_for
from tests.process.workers import Worker


@pytest.fixture
def make_worker() -> Iterator[Callable[..., Worker]]:
    """Return what makes a worker whose function has started programs; it ends with the test."""
    made: list[Worker] = []

    def make(**lease: Any) -> Worker:
        made.append(Worker("endless:shells", "in a shell", **lease))
        assert len(made[-1].user_code) >= 3
        return made[-1]

    yield make
    for worker in made:
        worker.close()


def send_all(number: int, *pids: int) -> None:
    for pid in pids:
        os.kill(pid, number)


def wait_dead(pids: list[int]) -> None:
    wait_for(lambda: not any(map(is_alive, pids)), "the user's code to die")


def assert_goes_on(worker: Worker) -> None:
    worker.process.send_signal(signal.SIGCONT)
    assert worker.read_line() == "lost\n"
    _, zygote_pid = worker.read_line().split()
    assert is_alive(int(zygote_pid))
    assert int(zygote_pid) != worker.zygote_pid


@pytest.mark.parametrize("clock", [SystemClock, SleepCountingClock])
def test_what_runs_on_while_worker_and_zygote_are_stopped_dies_with_the_lease(
    make_worker: Callable[..., Worker], clock: type[SystemClock]
) -> None:
    worker = make_worker(lease_seconds=3.0, lease_clock=clock)
    send_all(signal.SIGSTOP, worker.process.pid, worker.zygote_pid)
    wait_dead(worker.user_code)
    assert_goes_on(worker)


def test_what_is_stopped_with_worker_and_zygote_is_dead_before_it_can_be_continued(
    make_worker: Callable[..., Worker],
) -> None:
    worker = make_worker(lease_seconds=3.0)
    send_all(signal.SIGSTOP, worker.process.pid, worker.zygote_pid, *worker.user_code)
    wait_dead(worker.user_code)
    assert_goes_on(worker)


def test_programs_of_a_function_die_with_the_zygote_while_the_worker_is_stopped(
    make_worker: Callable[..., Worker],
) -> None:
    worker = make_worker()
    send_all(signal.SIGSTOP, worker.process.pid)
    send_all(signal.SIGKILL, worker.zygote_pid)
    wait_dead(worker.user_code)
    assert_goes_on(worker)
