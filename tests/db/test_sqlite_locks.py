"""Whoever finds a SQLite database locked waits for it: reads, writes and migrations."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.config import Config
from scheduler.db.connection import close_database
from scheduler.db.schema import init_schema, open_existing
from scheduler.db.statements import change, reading, rows, transaction
from tests.db.conftest import make_config

HELD_SECONDS = 0.05


class Other:
    """Another connection, which locks the database for a moment."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._release = threading.Timer(HELD_SECONDS, self.execute, ["ROLLBACK"])

    def execute(self, statement: str) -> None:
        self._connection.execute(statement).fetchall()

    def lock(self, statement: str) -> None:
        self.execute(statement)
        self._release.start()

    def close(self) -> None:
        self._release.join()
        self._connection.close()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Config]:
    yield make_config(tmp_path)
    close_database()


@pytest.fixture
def other(alone: Config) -> Iterator[Other]:
    other = Other(alone.db_path)
    yield other
    other.close()


def test_a_migration_waits_for_another_writer(alone: Config, other: Other) -> None:
    other.execute("PRAGMA journal_mode = wal")
    other.lock("BEGIN IMMEDIATE")
    init_schema(alone)
    with reading():
        assert rows("SELECT COUNT(*) FROM run_logs") == [(0,)]


def test_a_transaction_waits_for_another_writer(alone: Config, other: Other) -> None:
    init_schema(alone)
    other.lock("BEGIN IMMEDIATE")
    with transaction():
        change("INSERT INTO settings (key, value) VALUES ('one', '1')")
    with reading():
        assert rows("SELECT value FROM settings WHERE key = 'one'") == [("1",)]


def test_a_read_waits_where_writers_keep_readers_out(alone: Config, other: Other) -> None:
    init_schema(alone)
    close_database()
    other.execute("PRAGMA journal_mode = delete")
    open_existing(alone, read_only=True)
    other.lock("BEGIN EXCLUSIVE")
    with reading():
        assert rows("SELECT COUNT(*) FROM run_logs") == [(0,)]
