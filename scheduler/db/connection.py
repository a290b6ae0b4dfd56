"""The process's one database connection, its lock, and what to do when the file was replaced."""

import os
import sqlite3
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from peewee import DatabaseError, InterfaceError, PostgresqlDatabase, SqliteDatabase
from playhouse.db_url import connect as connect_url

from scheduler.config import Config
from scheduler.errors import DatabaseUnavailableError, MissingDriverError
from scheduler.models import database

BUSY_TIMEOUT_SECONDS = 30
NETWORK_TIMEOUT_SECONDS = 5

# One connection and one lock for all threads of a process: threads of one process must not fight
# for SQLite's unfair write lock, and on PostgreSQL a worker costs one connection, not N.
_lock = threading.RLock()
_opened: "_Opened | None" = None


class _State:
    """What the process's one connection is doing; guarded by the lock."""

    def __init__(self) -> None:
        self.depth = 0
        self.driver_errors: tuple[type[BaseException], ...] = (
            DatabaseError,
            InterfaceError,
            sqlite3.Error,
        )

    @property
    def is_in_transaction(self) -> bool:
        return self.depth > 0


_state = _State()


class _Opened:
    """What was opened: the file and its identity, to notice that it was replaced."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.identity = file_identity(path) if path else None


def open_database(config: Config, *, read_only: bool = False) -> None:
    """Bind the models to the configured database; the connection opens at first use.

    Raises DatabaseUnavailableError when it cannot be opened, MissingDriverError without psycopg.
    """
    global _opened
    _guard_against_fork()
    with _lock:
        close_database()
        path = None if config.database_url else config.db_path
        database.initialize(make_database(config, read_only=read_only))
        if path and not read_only:
            create_private_file(path)
        with reading():
            database.connect()
        _opened = _Opened(path)


def make_database(
    config: Config, *, read_only: bool = False
) -> SqliteDatabase | PostgresqlDatabase:
    """Return an unopened database of its own, with the pragmas or time-outs it needs."""
    if config.database_url:
        return _postgres(config.database_url)
    synchronous = "FULL" if config.durability == "full" else "NORMAL"
    pragmas: dict[str, Any] = {
        "foreign_keys": 1,
        "synchronous": synchronous,
        "journal_size_limit": 64 * 1024 * 1024,
    }
    if not read_only:
        pragmas = {"journal_mode": "wal", **pragmas}
    mode = "ro" if read_only else "rwc"
    return SqliteDatabase(
        f"file:{quote(str(config.db_path))}?mode={mode}",
        uri=True,
        pragmas=pragmas,
        lock_type="IMMEDIATE",
        timeout=BUSY_TIMEOUT_SECONDS,
        returning_clause=True,
        thread_safe=False,
        check_same_thread=False,
    )


def close_database() -> None:
    """Close the connection, if there is one."""
    with _lock:
        if database.obj is not None and not database.is_closed():
            database.close()


def is_sqlite() -> bool:
    """Tell which of the two kinds of SQL the open database speaks."""
    return isinstance(database.obj, SqliteDatabase)


class _Transaction:
    """Hand-made, because it stands around every run: peewee's costs three times as much."""

    def __enter__(self) -> None:
        _lock.acquire()
        try:
            if not _state.is_in_transaction:
                _execute("BEGIN IMMEDIATE" if is_sqlite() else "BEGIN")
        except BaseException as error:
            _lock.release()
            raise _translated(error) from error
        _state.depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        try:
            _state.depth -= 1
            if not _state.is_in_transaction:
                self._end("COMMIT" if error is None else "ROLLBACK")
            if error is not None and (translated := _translated(error)) is not error:
                raise translated from error
        finally:
            _lock.release()

    @staticmethod
    def _end(statement: str) -> None:
        try:
            _execute(statement)
        except Exception as error:
            with suppress(Exception):  # nothing to roll back, or nobody there to do it
                _execute("ROLLBACK")
            if statement == "COMMIT":
                raise _translated(error) from error


def transaction() -> AbstractContextManager[None]:
    """Hold the process's write lock and one transaction; inside another one it joins that one.

    What the driver raises comes out as DatabaseUnavailableError, but for violated constraints.
    """
    return _Transaction()


@contextmanager
def reading() -> Iterator[None]:
    """Hold the connection for a read that is fetched to its end inside the block.

    What the driver raises comes out as DatabaseUnavailableError.
    """
    with _lock:
        try:
            yield
        except Exception as error:
            raise _translated(error) from error


def rows(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Execute hand-written SQL with `?` parameters and return all its rows at once.

    An unread RETURNING cursor would keep the write lock.
    """
    return list(_execute(sql, params).fetchall())


def change(sql: str, params: Sequence[Any] = ()) -> int:
    """Execute hand-written SQL with `?` parameters and return how many rows it changed."""
    return int(_execute(sql, params).rowcount)


def change_many(sql: str, params: Sequence[Sequence[Any]]) -> None:
    """Execute one statement for many rows of parameters."""
    cursor = database.connection().cursor()
    cursor.executemany(_portable(sql), params)
    cursor.close()


def placeholders(count: int) -> str:
    """Return `?, ?, ?` for an IN list."""
    return ", ".join("?" * count)


def reopen_if_replaced() -> bool:
    """Open the database again if its file was deleted or replaced; return whether it was.

    Asked by `stat` only: opening and closing the file would drop SQLite's own locks on it.
    """
    if _opened is None or _opened.path is None:
        return False
    identity = file_identity(_opened.path)
    if identity is not None and identity == _opened.identity:
        return False
    with reading():
        close_database()
        create_private_file(_opened.path)
        database.connect()
        _opened.identity = file_identity(_opened.path)
    return True


def file_identity(path: Path) -> tuple[int, int] | None:
    """Return (device, inode) of a path, None when there is nothing."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def create_private_file(path: Path) -> None:
    """Make an empty file that only its owner can read, unless it exists."""
    if file_identity(path) is not None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise DatabaseUnavailableError(
            f"{path}: cannot be created ({error.strerror}); check db_path and the folder's owner"
        ) from error


def _execute(sql: str, params: Sequence[Any] = ()) -> Any:
    """Execute on the driver's own connection: a fifth of the cost of `database.execute_sql`."""
    return database.connection().execute(_portable(sql), params)


def _translated(error: BaseException) -> BaseException:
    """Return what to raise in place of an error of the driver or of peewee."""
    if not isinstance(error, _state.driver_errors) or "IntegrityError" in type(error).__name__:
        return error
    _drop_broken_connection()
    where = _opened.path if _opened and _opened.path else "database"
    return DatabaseUnavailableError(f"{where}: {str(error).strip()}")


def _drop_broken_connection() -> None:
    """Forget a connection whose server has gone, so that the next use connects again."""
    if is_sqlite() or database.is_closed():
        return
    connection = database.connection()
    if connection.closed or connection.broken:
        _state.depth = 0
        database.obj.dispose()


def _postgres(url: str) -> PostgresqlDatabase:
    try:
        import psycopg
    except ImportError as error:
        raise MissingDriverError(
            "database_url: PostgreSQL needs psycopg 3; pip install 'slotkeeper[postgres]'"
        ) from error
    _state.driver_errors += (psycopg.Error,)
    connected: PostgresqlDatabase = connect_url(
        url,
        unquote_password=True,
        unquote_user=True,
        prefer_psycopg3=True,
        thread_safe=False,
        connect_timeout=NETWORK_TIMEOUT_SECONDS,
        tcp_user_timeout=NETWORK_TIMEOUT_SECONDS * 1000,
    )
    return connected


def _portable(sql: str) -> str:
    return sql if is_sqlite() else sql.replace("?", "%s")


_guarded = False


def _guard_against_fork() -> None:
    """Refuse os.fork from now on: a child of an open SQLite file can lose committed rows."""
    global _guarded
    if not _guarded:
        _guarded = True
        sys.addaudithook(_refuse_fork)


def _refuse_fork(event: str, _args: tuple[object, ...]) -> None:
    if event in {"os.fork", "os.forkpty"} and database.obj and not database.is_closed():
        raise RuntimeError("fork while a database is open: start the child by subprocess")
