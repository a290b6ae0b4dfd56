"""How one waits for the locks of SQLite: the lock is real, the time is not."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scheduler.sqlite_lock import BUSY_TIMEOUT_SECONDS, waiting_natively, when_free


class Waiting:
    """A clock that goes on while one waits, and what happens meanwhile."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses: list[float] = []
        self.after_pause: Callable[[], object] = lambda: None

    def monotonic(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds
        self.after_pause()

    def begin(self, connection: sqlite3.Connection) -> None:
        when_free(
            lambda: connection.execute("BEGIN IMMEDIATE"),
            monotonic=self.monotonic,
            pause=self.pause,
        )


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[[], sqlite3.Connection]]:
    opened = []

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(tmp_path / "some.db", isolation_level=None, timeout=0)
        opened.append(connection)
        connection.execute("PRAGMA journal_mode = wal")
        return connection

    yield connect
    for connection in opened:
        connection.close()


def test_a_free_lock_is_taken_without_a_pause(connect: Callable[[], sqlite3.Connection]) -> None:
    waiting, writer = Waiting(), connect()
    waiting.begin(writer)
    assert writer.in_transaction
    assert waiting.pauses == []


@pytest.mark.parametrize("held_seconds", [0.001, 0.005, 0.05, 2.0])
def test_whoever_waits_has_the_lock_soon_after_it_was_let_go(
    connect: Callable[[], sqlite3.Connection], held_seconds: float
) -> None:
    waiting, writer, other = Waiting(), connect(), connect()
    other.execute("BEGIN IMMEDIATE")

    def let_go() -> None:
        if other.in_transaction and waiting.seconds >= held_seconds:
            other.execute("COMMIT")

    waiting.after_pause = let_go
    waiting.begin(writer)
    assert writer.in_transaction
    assert waiting.seconds <= held_seconds + max(0.0005, min(0.1 * held_seconds, 0.01)) + 1e-9


def test_who_has_waited_for_long_looks_seldom(connect: Callable[[], sqlite3.Connection]) -> None:
    waiting, writer, other = Waiting(), connect(), connect()
    other.execute("BEGIN IMMEDIATE")
    waiting.after_pause = lambda: waiting.seconds > 5 and other.execute("ROLLBACK")
    waiting.begin(writer)
    assert len(waiting.pauses) < 600


def test_a_lock_that_is_kept_is_given_up_with_sqlites_own_words(
    connect: Callable[[], sqlite3.Connection],
) -> None:
    waiting, writer, other = Waiting(), connect(), connect()
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        waiting.begin(writer)
    assert BUSY_TIMEOUT_SECONDS <= waiting.seconds < BUSY_TIMEOUT_SECONDS + 1
    assert not writer.in_transaction


def test_what_is_no_wait_is_raised_at_once(
    connect: Callable[[], sqlite3.Connection],
) -> None:
    waiting, writer = Waiting(), connect()
    writer.execute("PRAGMA query_only = 1")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        waiting.begin(writer)
    assert waiting.pauses == []


def test_a_library_has_sqlite_wait_for_it(connect: Callable[[], sqlite3.Connection]) -> None:
    connection = connect()
    with waiting_natively(connection, 2.5):
        assert _native_milliseconds(connection) == 2500
    assert _native_milliseconds(connection) == 0


def _native_milliseconds(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA busy_timeout").fetchone()[0])
