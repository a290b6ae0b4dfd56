"""How a process learns that it is to stop."""

import os
import signal
from collections.abc import Iterator

import pytest

from scheduler.stopping import STOP_SIGNALS, StopSignal, hold_stop_signals


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_that_comes_while_the_process_loads_is_not_lost(number: signal.Signals) -> None:
    hold_stop_signals()
    os.kill(os.getpid(), number)

    stop = StopSignal.install()

    assert stop.is_set()
    assert stop.signal_number == number
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
