"""Transactions and hand-written SQL on the process's one connection, and how it fails."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from operator import itemgetter
from typing import Any

from peewee import DatabaseError, InterfaceError, SqliteDatabase

from scheduler.errors import DatabaseUnavailableError
from scheduler.models import database
from scheduler.outages import Outage
from scheduler.sqlite_lock import BUSY_TIMEOUT_SECONDS, is_busy, waiting_natively, when_free

# One connection and one lock for all threads of a process: threads of one process must not fight
# for SQLite's unfair write lock, and on PostgreSQL a worker costs one connection, not N.
connection_lock = threading.RLock()

_RESTORE = "restore a backup, or move it away and a new one is made"
# What SQLite or libpq says, and what to do about it.
_REMEDIES = {
    "locked": "; another program keeps it locked, end that one",
    "disk is full": "; free some space, the service goes on by itself",
    "readonly": "; make the file, its -wal and -shm beside it, and the folder writable, "
    "the service goes on by itself",
    "unable to open": "; see whether its folder exists and may be written to",
    "malformed": f"; {_RESTORE}",
    "not a database": f"; correct db_path, or {_RESTORE}",
    "connection failed": "; start the server, or correct database_url",
    "disk I/O error": "; see the kernel's log, and whether the disk is still there",
}


class _Connection:
    """What the process's one connection is doing; guarded by the lock."""

    def __init__(self) -> None:
        self.depth = 0
        self.is_begun = False  # on a server not before the first statement
        self.at_end: list[tuple[int, str, Sequence[Any]]] = []
        self.place = "database"
        self.outage = Outage()
        self.patience_seconds: float = BUSY_TIMEOUT_SECONDS
        self.driver_errors: tuple[type[BaseException], ...] = (
            DatabaseError,
            InterfaceError,
            sqlite3.Error,
        )


_state = _Connection()


class _Transaction:
    """Hand-made, because it stands around every run: peewee's costs three times as much."""

    def __enter__(self) -> None:
        connection_lock.acquire()
        try:
            if not _state.depth and is_sqlite():
                _execute("BEGIN IMMEDIATE")
                _state.is_begun = True
        except BaseException as error:
            connection_lock.release()
            raise _translated(error) from error
        _state.depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        is_committed = False
        try:
            _state.depth -= 1
            if not _state.depth:
                is_committed = self._end(is_kept=error is None)
            if error is not None and (translated := _translated(error)) is not error:
                raise translated from error
        finally:
            connection_lock.release()
        if is_committed and _state.outage.is_on:  # on a full disk one can still read
            _state.outage.note_success(_state.place)

    @staticmethod
    def _end(*, is_kept: bool) -> bool:
        """Return whether something was committed."""
        at_end, _state.at_end = _state.at_end, []
        is_begun, _state.is_begun = _state.is_begun, False
        if not is_begun:
            return False
        changes = [change[1:] for change in sorted(at_end, key=itemgetter(0))] if is_kept else []
        try:
            _execute_all([*changes, ("COMMIT" if is_kept else "ROLLBACK", ())])
        except Exception as error:
            with suppress(Exception):  # nothing to roll back, or nobody there to do it
                _execute_all([("ROLLBACK", ())])
            if is_kept:
                raise _translated(error) from error
        return is_kept


def transaction() -> AbstractContextManager[None]:
    """Hold the process's write lock and one transaction; inside another one it joins that one.

    What the driver raises comes out as DatabaseUnavailableError, but for values that it refuses.
    """
    return _transaction


_transaction = _Transaction()  # it has no state of its own


def describe_connection(place: str, *, patience_seconds: float) -> None:
    """Say what errors of the database that is opened now are about.

    patience_seconds: how long to wait for the locks of others, where the server does not do it.
    """
    _state.place, _state.patience_seconds = place, patience_seconds
    _state.outage = Outage()


def know_driver_error(kind: type[BaseException]) -> None:
    """Say what a server's driver raises; those of SQLite and peewee are known."""
    if kind not in _state.driver_errors:
        _state.driver_errors += (kind,)


class _Reading:
    """Hand-made for the same reason: an idle service does little else."""

    def __enter__(self) -> None:
        connection_lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        try:
            if isinstance(error, Exception) and (translated := _translated(error)) is not error:
                raise translated from error
        finally:
            connection_lock.release()


def reading() -> AbstractContextManager[None]:
    """Hold the connection for a read that is fetched to its end inside the block.

    What the driver raises comes out as DatabaseUnavailableError.
    """
    return _reading


_reading = _Reading()  # nor has this one


@contextmanager
def used_by_peewee() -> Iterator[None]:
    """Hold the connection for what peewee executes, which waits for locks only natively."""
    with reading():
        if not is_sqlite():
            yield
            return
        with waiting_natively(database.connection(), _state.patience_seconds):
            yield


def rows(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Execute hand-written SQL with `?` parameters and return all its rows at once.

    An unread RETURNING cursor would keep the write lock.
    """
    return list(_execute(sql, params).fetchall())


def change(sql: str, params: Sequence[Any] = ()) -> int:
    """Execute hand-written SQL with `?` parameters and return how many rows it changed."""
    return int(_execute(sql, params).rowcount)


def change_function_at_end(function_id: int, sql: str, params: Sequence[Any]) -> None:
    """Execute hand-written SQL that changes one function right before the transaction's commit.

    All of them in the order of the functions' ids, those of one function as they came: so workers
    that each change two functions never wait for each other in a circle (`db.locks`).
    """
    assert _state.is_begun, "it comes after what it belongs to"
    _state.at_end.append((function_id, sql, params))


def change_many(sql: str, params: Sequence[Sequence[Any]]) -> None:
    """Execute one statement for many rows of parameters."""
    if _has_to_begin():
        _begin_with("SELECT 1", ())
    cursor = database.connection().cursor()
    cursor.executemany(_portable(sql), params)
    cursor.close()


def placeholders(count: int) -> str:
    """Return `?, ?, ?` for an IN list."""
    return ", ".join("?" * count)


def one_of(column: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return the condition that a column has one of some values, and its parameters.

    On PostgreSQL one array: a statement of one text is prepared once, whatever the number.
    """
    if is_sqlite():
        return f"{column} IN ({placeholders(len(values))})", list(values)
    return f"{column} = ANY(?)", [list(values)]


def is_sqlite() -> bool:
    """Tell which of the two kinds of SQL the open database speaks."""
    return isinstance(database.obj, SqliteDatabase)


def _execute(sql: str, params: Sequence[Any] = ()) -> Any:
    """Execute on the driver's own connection: a fifth of the cost of `database.execute_sql`."""
    opened: Any = database.obj  # past the proxy: this is called about ten times a run
    if is_sqlite():
        connection = opened.connection()
        try:
            return connection.execute(sql, params)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
        return when_free(lambda: connection.execute(sql, params), _state.patience_seconds)
    if _has_to_begin():
        return _begin_with(sql, params)
    return opened.connection().execute(_portable(sql), params)


def _execute_all(statements: Sequence[tuple[str, Sequence[Any]]]) -> Any:
    """Execute statements in one round trip where there is one; return the last one's cursor."""
    if is_sqlite():
        return [_execute(sql, params) for sql, params in statements][-1]
    opened: Any = database.obj
    connection = opened.connection()
    with connection.pipeline() if len(statements) > 1 else nullcontext():
        for sql, params in statements:
            cursor = connection.execute(_portable(sql), params)
    return cursor


def _has_to_begin() -> bool:
    return _state.depth > 0 and not _state.is_begun


def _begin_with(sql: str, params: Sequence[Any]) -> Any:
    """Begin a server's transaction together with its first statement."""
    statements = [("BEGIN", ()), (sql, params)]
    try:
        return _execute_all(statements)
    except _state.driver_errors:
        # Most often the server was restarted since we last spoke: nothing is lost by asking again.
        if not _drop_broken_connection():
            raise
        return _execute_all(statements)
    finally:
        _state.is_begun = True


def _translated(error: BaseException) -> BaseException:
    """Return what to raise in place of an error of the driver or of peewee."""
    if not isinstance(error, _state.driver_errors) or _is_about_values(error):
        return error
    _drop_broken_connection()
    _state.outage.note_failure()
    text = " ".join(str(error).split()).rstrip("?")  # libpq asks, and in several lines
    remedy = next((remedy for words, remedy in _REMEDIES.items() if words in text), "")
    return DatabaseUnavailableError(f"{_state.place}: {text}{remedy}")


def _is_about_values(error: BaseException) -> bool:
    """Tell whether the values were refused: psycopg has a class below these two for each case."""
    return any(kind.__name__ in {"IntegrityError", "DataError"} for kind in type(error).__mro__)


def _drop_broken_connection() -> bool:
    """Forget a connection whose server has gone, so that the next use connects again.

    Not inside a transaction, whose other statements must fail as well. Returns whether it did.
    """
    if is_sqlite() or database.is_closed() or _state.is_begun:
        return False
    if not database.connection().closed:
        return False
    database.obj.dispose()
    return True


def _portable(sql: str) -> str:
    return sql if is_sqlite() else sql.replace("?", "%s")
