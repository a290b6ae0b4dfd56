"""The process's one database connection: opened, closed, opened again when its file changed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from peewee import PostgresqlDatabase, SqliteDatabase

from scheduler.config import Config
from scheduler.db.drivers import postgres_driver
from scheduler.db.files import create_private_file, file_identity
from scheduler.db.statements import connection_lock, describe_connection, is_sqlite, reading
from scheduler.models import database

BUSY_TIMEOUT_SECONDS = 30
# Readers wait for a writer of WAL never, for a foreign lock no longer than a person would.
READ_TIMEOUT_SECONDS = 5
# 16 MB: a checkpoint syncs the disk, and the same few pages change with every run.
CHECKPOINT_PAGES = 4000

_opened: "_Opened | None" = None


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
    with connection_lock:
        close_database()
        path = None if config.database_url else config.db_path
        describe_connection("database_url" if path is None else str(path))
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
        "wal_autocheckpoint": CHECKPOINT_PAGES,
    }
    if not read_only:
        pragmas = {"journal_mode": "wal", **pragmas}
    mode = "ro" if read_only else "rwc"
    return SqliteDatabase(
        f"file:{quote(str(config.db_path))}?mode={mode}",
        uri=True,
        pragmas=pragmas,
        lock_type="IMMEDIATE",
        timeout=READ_TIMEOUT_SECONDS if read_only else BUSY_TIMEOUT_SECONDS,
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
    """Open the database again if its file was deleted or replaced; return whether it was.

    Asked by `stat` only: opening and closing the file would drop SQLite's own locks on it.
    """
    if _opened is None or _opened.path is None:
        return False
    identity = file_identity(_opened.path)
    if identity is not None and identity == _opened.identity:
        return False
    reopen_database()
    return True


def reopen_database() -> None:
    """Close the connection and open it again, whatever stands at its path now."""
    if _opened is None:
        return
    with reading():
        close_database()
        if _opened.path is not None:
            create_private_file(_opened.path)
        database.connect()
        _opened.identity = file_identity(_opened.path) if _opened.path else None


class _Postgres(PostgresqlDatabase):
    """A database whose connections are ours, with their time-outs."""

    def _connect(self) -> Any:
        connect, _ = postgres_driver()
        return connect(self.database)


def _postgres(url: str) -> PostgresqlDatabase:
    _, error = postgres_driver()
    describe_connection("database_url", error)
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
