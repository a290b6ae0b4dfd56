"""The tally of batches: what its writers leave behind when they are killed."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.runner import tally as module
from scheduler.runner.tally import MOST, Tallied, Tally, open_tally, read_tally

AT = 1_800_000_000.125


def tallied(unbegun: list[int], succeeded: list[int] | None = None) -> Tallied:
    """Return what a tally tells of runs of batches that start at AT."""
    return Tallied(tuple((id_, AT) for id_ in unbegun), tuple((id_, AT) for id_ in succeeded or ()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "worker.lock"


@pytest.fixture
def tally(path: Path) -> Iterator[Tally]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    tally = open_tally(fd, 3)
    os.close(fd)
    assert tally is not None
    yield tally
    tally.close()


def test_a_tally_without_batches_tells_nothing(tally: Tally, path: Path) -> None:
    assert read_tally(str(path)) == Tallied()


def test_what_is_handed_over_has_not_begun(tally: Tally, path: Path) -> None:
    tally.hand_over(1, [11, 12, 13], AT)
    assert read_tally(str(path)) == tallied([11, 12, 13])


def test_what_has_begun_is_told_by_neither_list_until_it_succeeds(tally: Tally, path: Path) -> None:
    tally.hand_over(0, [11, 12, 13], AT)
    tally.begin(0, 0)
    assert read_tally(str(path)) == tallied([12, 13])
    tally.succeed(0, 0)
    tally.begin(0, 1)
    assert read_tally(str(path)) == tallied([13], [11])


def test_each_cell_has_its_batch_and_the_next_one_replaces_it(tally: Tally, path: Path) -> None:
    tally.hand_over(0, list(range(1, MOST + 1)), AT)
    tally.succeed(0, MOST - 1)
    tally.hand_over(2, [101], AT)
    tally.hand_over(0, [102], AT)
    assert read_tally(str(path)) == tallied([102, 101])


def test_what_was_written_before_the_machine_started_anew_says_nothing(
    tally: Tally, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tally.hand_over(0, [11], AT)
    boot = tmp_path / "boot"
    boot.write_text("another\n")
    monkeypatch.setattr(module, "_BOOT_FILE", str(boot))
    assert read_tally(str(path)) == Tallied()


@pytest.mark.parametrize("content", [b"", b"scheduler", b"\0" * 2000])
def test_what_is_no_tally_says_nothing(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert read_tally(str(path)) == Tallied()


def test_a_missing_file_says_nothing(path: Path) -> None:
    assert read_tally(str(path)) == Tallied()


def test_there_is_none_where_boots_cannot_be_told_apart(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BOOT_FILE", "/nowhere/boot_id")
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    assert open_tally(fd, 1) is None
    os.close(fd)


def test_there_is_none_where_its_room_cannot_be_taken() -> None:
    fd = os.open("/dev/full", os.O_RDWR)
    assert open_tally(fd, 1) is None
    os.close(fd)
