"""The doorbell wakes, and lives with whatever becomes of its FIFO."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from scheduler.doorbell import Doorbell
from scheduler.stopping import StopSignal


@pytest.fixture
def bell(tmp_path: Path) -> Iterator[Doorbell]:
    bell = Doorbell(tmp_path / "some.bell")
    yield bell
    bell.close()


def test_a_ring_is_heard_once(bell: Doorbell) -> None:
    bell.ring(3)

    assert (bell.drain(), bell.drain()) == (True, False)


def test_a_removed_fifo_is_made_again_and_shared_with_others(bell: Doorbell) -> None:
    other = Doorbell(bell.path)
    bell.path.unlink()

    bell.reopen_if_replaced()
    other.reopen_if_replaced()
    other.ring()

    assert bell.drain()
    other.close()


def test_where_something_else_stands_the_bell_is_silent_until_it_has_gone(bell: Doorbell) -> None:
    bell.path.unlink()
    bell.path.write_text("no FIFO")

    bell.reopen_if_replaced()
    bell.ring()
    assert (bell.works, bell.drain(), bell.fds()) == (False, False, ())

    bell.path.unlink()
    bell.reopen_if_replaced()
    bell.ring()
    assert (bell.works, bell.drain()) == (True, True)


def test_whoever_waits_at_a_fifo_that_was_removed_comes_to_the_new_one(bell: Doorbell) -> None:
    waiter = Thread(target=bell.wait, args=(StopSignal().fd, 3600.0), daemon=True)
    waiter.start()

    while waiter.is_alive():
        bell.path.unlink(missing_ok=True)
        bell.reopen_if_replaced()
        waiter.join(0.01)

    assert bell.works
