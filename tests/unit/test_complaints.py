"""The service's log of what cannot be scanned: each fault once, and once when it is gone."""

import io
import logging
from collections.abc import Iterator

import pytest

from scheduler.logs import configure_logging
from scheduler.maintenance.complaints import Complaints
from scheduler.maintenance.unscanned import unscanned
from scheduler.runner.complaint import WARNING, complain


class Settings:
    log_level = "info"
    log_format = "text"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers, root.level
    configure_logging(Settings(), stream)
    yield stream
    configure_logging(Settings())
    root.handlers = handlers
    root.setLevel(level)


def _taken(log: io.StringIO) -> list[str]:
    """Return the lines since the last call, without their times."""
    lines = [line.partition("Z ")[2] for line in log.getvalue().splitlines()]
    log.seek(0)
    log.truncate()
    return lines


def test_a_broken_file_is_told_when_it_is_new_when_it_changes_and_when_it_is_mended(
    log: io.StringIO,
) -> None:
    complaints = Complaints()
    broken = complain("/f/a.py", "ValueError", "x")
    remedy = "mend it; `scheduler errors` tells all path=/f/a.py error="
    complaints.tell([broken])
    assert _taken(log) == [f'WARNING: a file cannot be scanned, {remedy}"ValueError: x"']
    complaints.tell([broken])
    assert _taken(log) == []
    complaints.tell([complain("/f/a.py", "ValueError", "y")])
    assert _taken(log) == [f'WARNING: a file cannot be scanned, {remedy}"ValueError: y"']
    complaints.tell([])
    assert _taken(log) == ["INFO: a file has no error any more path=/f/a.py"]


def test_a_file_that_prints_is_told_as_one_that_is_scanned(log: io.StringIO) -> None:
    Complaints().tell([complain("/f/a.py", "ImportOutput", "it prints", severity=WARNING)])
    (line,) = _taken(log)
    assert line.startswith("WARNING: a file does more than define functions; `scheduler errors`")


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ([], None),
        (["/f"], "the folder /f cannot be scanned"),
        (["/f", "/f/a.py"], "the folder /f and 1 file cannot be scanned"),
        (["/f", "/g", "/f/a.py", "/f/b.py"], "2 folders and 2 files cannot be scanned"),
    ],
)
def test_folders_are_not_counted_as_files(paths: list[str], said: str | None) -> None:
    assert unscanned(paths) == said
