"""How a process learns that it is to stop."""

import os
import signal
from collections.abc import Iterator

import pytest

from scheduler.stopping import STOP_SIGNALS, StopSignal


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_each_stop_signal_asks_for_a_drained_stop(number: signal.Signals) -> None:
    stop = StopSignal.install()
    os.kill(os.getpid(), number)

    assert stop.is_set()
    assert not stop.is_hurried()


def test_a_second_signal_asks_for_haste() -> None:
    stop = StopSignal.install()
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)

    assert stop.is_hurried()
    assert stop.wait_hurry(0)


def test_the_end_of_the_lifeline_is_a_request_to_stop() -> None:
    read_fd, write_fd = os.pipe()
    stop = StopSignal(read_fd)
    assert not stop.wait(0)

    os.close(write_fd)

    assert stop.wait(0)
    os.close(read_fd)
