"""The process's one database connection: opened, closed, opened again when its file changed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from peewee import PostgresqlDatabase, SqliteDatabase

from scheduler.config import Config
from scheduler.db.drivers import postgres_driver
from scheduler.db.statements import (
    connection_lock,
    describe_connection,
    is_sqlite,
    know_driver_error,
    reading,
)
from scheduler.errors import DatabaseUnavailableError
from scheduler.models import database
from scheduler.sqlite_file import CHECKPOINT_PAGES, LOG_LIMIT_BYTES, SqliteFile, sqlite_address
from scheduler.sqlite_lock import BUSY_TIMEOUT_SECONDS, OUR_PACE

# Readers wait for a writer of WAL never, for a foreign lock no longer than a person would.
READ_TIMEOUT_SECONDS = 5

_file: SqliteFile | None = None  # what is open, None on a server and before


def open_database(config: Config, *, read_only: bool = False) -> None:
    """Bind the models to the configured database; the connection opens at first use.

    Raises DatabaseUnavailableError when it cannot be opened, MissingDriverError without psycopg.
    """
    global _file
    _guard_against_fork()
    with connection_lock:
        close_database()
        _file = None if config.database_url else SqliteFile(config.db_path)
        describe_connection(
            "database_url" if _file is None else str(config.db_path),
            patience_seconds=_patience_seconds(read_only=read_only),
        )
        database.initialize(make_database(config, read_only=read_only))
        _connect(_file, may_create=not read_only)


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
        "journal_size_limit": LOG_LIMIT_BYTES,
        "wal_autocheckpoint": CHECKPOINT_PAGES,
    }
    if not read_only:
        # Some builds write zeros over all that is deleted, also over pages that become free.
        pragmas = {"journal_mode": "wal", **pragmas, "secure_delete": "fast"}
    pragmas |= OUR_PACE  # the last: those before it may have to wait
    return SqliteDatabase(
        sqlite_address(config.db_path, "ro" if read_only else "rw"),
        uri=True,
        pragmas=pragmas,
        lock_type="IMMEDIATE",
        timeout=_patience_seconds(read_only=read_only),
        returning_clause=True,
        thread_safe=False,
        check_same_thread=False,
    )


@contextmanager
def waiting_as_long_as_it_takes() -> Iterator[None]:
    """Lift the limit on a server's answers, for a migration or for waiting for another's."""
    if is_sqlite():
        yield
        return
    with reading():
        connection = database.connection()
        connection.answer_seconds = None
        try:
            yield
        finally:
            del connection.answer_seconds  # the class has the usual one


def close_database() -> None:
    """Close the connection, if there is one."""
    with connection_lock:
        if database.obj is not None and not database.is_closed():
            database.close()


def reopen_if_replaced() -> bool:
    """Open the database again if its file was deleted, replaced or emptied; return whether so."""
    if _file is None or (_file.is_watched and not _file.was_replaced()):
        return False
    reopen_database()
    return True


def reopen_database() -> None:
    """Close the connection and open it again, whatever stands at its path now."""
    with connection_lock:
        try:
            if _file is not None:
                _file.forget()
        except OSError as error:
            raise _cannot("be removed", error) from error
        close_database()
        _connect(_file, may_create=True)


def _connect(file: SqliteFile | None, *, may_create: bool) -> None:
    if file is not None and file.path.is_dir():
        raise DatabaseUnavailableError(f"{file.path}: is a folder; correct db_path to name a file")
    try:
        if file is not None and may_create:
            file.create()
    except OSError as error:
        raise _cannot("be created", error) from error
    with reading():
        database.connect()
    if file is not None:
        file.remember()


def _patience_seconds(*, read_only: bool) -> int:
    return READ_TIMEOUT_SECONDS if read_only else BUSY_TIMEOUT_SECONDS


def _cannot(what: str, error: OSError) -> DatabaseUnavailableError:
    place = error.filename or "the database"
    return DatabaseUnavailableError(
        f"{place}: cannot {what} ({error.strerror}); check db_path and the folder's owner"
    )


class _Postgres(PostgresqlDatabase):
    """A database whose connections are ours, with their time-outs."""

    def _connect(self) -> Any:
        connect, _ = postgres_driver()
        return connect(self.database)


def _postgres(url: str) -> PostgresqlDatabase:
    _, error = postgres_driver()
    know_driver_error(error)
    return _Postgres(url, prefer_psycopg3=True, thread_safe=False)


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
