"""Source files that were compiled ahead are used as long as they are what was read."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import pytest

from scheduler.runner import sources
from scheduler.runner.sources import compile_ahead, find_compiled, hash_source, is_known

LATER = time.time() + 3600


@pytest.fixture(autouse=True)
def nothing_compiled() -> Iterator[None]:
    sources._compiled.clear()
    yield
    sources._compiled.clear()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "jobs.py"
    file.write_text("raise SystemExit\n")
    return file


def test_a_file_is_compiled_without_being_executed(file: Path) -> None:
    compile_ahead(str(file), LATER)
    found = find_compiled(str(file))
    assert found is not None
    assert found.code is not None
    assert found.source_hash == hash_source(file.read_bytes())
    with pytest.raises(SystemExit):
        FunctionType(found.code, {})()


def test_a_changed_file_is_not_found_until_it_is_compiled_again(file: Path) -> None:
    compile_ahead(str(file), LATER)
    before = find_compiled(str(file))
    file.write_text("raise ValueError\n")
    assert find_compiled(str(file)) is None
    compile_ahead(str(file), LATER)
    assert find_compiled(str(file)) not in (None, before)


def test_a_file_that_has_just_been_changed_is_not_compiled_yet(file: Path) -> None:
    compile_ahead(str(file), os.stat(file).st_ctime + 0.01)
    assert find_compiled(str(file)) is None


def test_a_file_that_was_written_anew_with_its_old_time_is_another_one(file: Path) -> None:
    compile_ahead(str(file), LATER)
    found = os.stat(file)
    file.write_text("raise SystemError"[: found.st_size].ljust(found.st_size))
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert find_compiled(str(file)) is None


def test_a_file_of_the_same_size_and_time_in_its_place_is_another_one(file: Path) -> None:
    compile_ahead(str(file), LATER)
    found = os.stat(file)
    other = file.with_suffix(".new")
    other.write_text("raise SystemError"[: found.st_size].ljust(found.st_size))
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    other.replace(file)
    assert find_compiled(str(file)) is None


@pytest.mark.parametrize("text", ["1 +", "x = 1 is 1\n", "\0", "# coding: nonsense\n"])
def test_what_cannot_be_compiled_in_silence_is_left_to_the_run_and_not_tried_again(
    file: Path, text: str
) -> None:
    file.write_text(text)
    compile_ahead(str(file), LATER)
    assert find_compiled(str(file)) is None
    stamp = sources.stamp_of(str(file))
    assert stamp is not None
    assert is_known(str(file), stamp)


def test_a_missing_file_or_a_folder_is_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.py"):
        compile_ahead(str(path), LATER)
        assert find_compiled(str(path)) is None
