"""The doorbell wakes, and lives with whatever becomes of its FIFO."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.doorbell import Doorbell


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
