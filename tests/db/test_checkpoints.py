"""Write-ahead logs are moved into their files by a thread of their own."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from scheduler.maintenance.checkpoints import Checkpoints, checkpoint
from tests.process.service import wait_for


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a database whose log is never checkpointed by its writer."""
    return tmp_path / "some where.db"


def write(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("CREATE TABLE t (x)")
    connection.executemany("INSERT INTO t VALUES (?)", [("x" * 1000,)] * 100)
    connection.commit()


def test_a_checkpoint_moves_the_log_while_a_writer_has_it_open(path: Path) -> None:
    with closing(sqlite3.connect(path)) as writer:
        write(writer)
        size = path.stat().st_size
        assert checkpoint(path) > 0
        assert path.stat().st_size > size
        assert writer.execute("SELECT COUNT(*) FROM t").fetchone() == (100,)


def test_a_file_that_is_away_is_nobodys_fault(path: Path) -> None:
    assert checkpoint(path) == 0
    assert not path.exists()


def test_the_thread_begins_at_once_and_ends_when_told(path: Path) -> None:
    with closing(sqlite3.connect(path)) as writer:
        write(writer)
        size = path.stat().st_size
        checkpoints = Checkpoints([path])
        checkpoints.start()
        wait_for(lambda: path.stat().st_size > size, "the first checkpoint")
        checkpoints.stop()
        assert checkpoint(path) >= 0
