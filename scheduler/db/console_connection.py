"""A read-only connection of one's own: opened at need, closed at a fault, never waiting long.

It speaks to the driver itself: a console that only reads need not load peewee, which takes longer
than all its reads.
"""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from scheduler.config import Config
from scheduler.db.drivers import postgres_driver
from scheduler.db.versions import known_versions
from scheduler.errors import SchedulerError
from scheduler.sqlite_file import file_identity, is_out_of_reach, sqlite_address

T = TypeVar("T")
# How to connect, and what a connection raises.
_Driver = tuple[Callable[[], Any], tuple[type[Exception], ...]]

BUSY_SECONDS = 0.25  # the screen says "locked" rather than to wait


# Runs a query: its text and its parameters.
Query = Callable[..., list[tuple[Any, ...]]]


class ConsoleError(SchedulerError):
    """The database cannot be read now."""

    kind = "unreadable"


class MissingError(ConsoleError):
    """There is no database file yet."""

    kind = "missing"


class LockedError(ConsoleError):
    """Another process keeps the database to itself."""

    kind = "locked"


class SchemaError(ConsoleError):
    """The database has another schema than this console knows."""

    kind = "schema"


def explained(text: str) -> ConsoleError:
    """Return what a driver's message means; of a server that is away only the cause is told."""
    first = text.strip().partition("\n")[0]
    lower = first.lower()
    if "locked" in lower or "busy" in lower:
        return LockedError("locked")
    if first.startswith("connection failed"):
        cause = first.rpartition("failed: ")[2].removeprefix("FATAL:").strip()
        is_missing = cause.startswith("database") and cause.endswith("does not exist")
        return MissingError(cause) if is_missing else ConsoleError(f"no connection: {cause}")
    if "no such table" in lower or "no such column" in lower or "does not exist" in lower:
        return SchemaError(f"another schema than this scheduler's: {first}")
    return ConsoleError(first)


class ReadConnection:
    """One connection for the thread that uses it; `when_closed` is called when it is lost.

    Every method raises ConsoleError, after which the connection is closed.
    """

    def __init__(self, config: Config, *, when_closed: Callable[[], None]) -> None:
        self._config = config
        url = config.database_url
        self.is_sqlite = not url
        self._connect, self._errors = _postgres(url) if url else _sqlite(config.db_path)
        self._connection: Any = None
        self._when_closed = when_closed
        self._identity: tuple[int, int] | None = None
        self._version: int | None = None

    def open(self) -> None:
        """Open it unless it is open on today's file; a replaced file is opened anew."""
        if self.is_sqlite:
            identity = file_identity(self._config.db_path)
            if identity is None:
                self.close()
                if is_out_of_reach(self._config.db_path):
                    raise ConsoleError(f"{self._config.db_path}: its folder is closed to this user")
                raise MissingError(f"{self._config.db_path}: not found")
            if identity != self._identity:
                self.close()
                self._identity = identity
        if self._connection is None:
            self._connection = self._guarded(self._connect)
            self._check_schema()

    def close(self) -> None:
        """Close it, if it is open."""
        self._version = None
        self._when_closed()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def has_changed(self) -> bool:
        """Tell whether another connection committed since the last call."""
        if not self.is_sqlite:
            return True
        version = int(self.rows("PRAGMA data_version")[0][0])
        has_changed, self._version = version != self._version, version
        return has_changed

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query with `?` parameters; no transaction outlives it."""
        portable = sql if self.is_sqlite else sql.replace("?", "%s")
        return self._guarded(lambda: list(self._connection.execute(portable, params).fetchall()))

    def _check_schema(self) -> None:
        """Refuse a schema that is not ours, an older as well as a newer one."""
        known = known_versions()
        try:
            applied = {name for (name,) in self.rows("SELECT name FROM schema_migration")}
        except SchemaError:
            applied = set()
        if applied == known:
            return
        self.close()
        if applied - known:
            raise SchemaError("the database has a newer schema - upgrade this scheduler")
        raise SchemaError("the schema is not ready - `scheduler run` makes it")

    def _guarded(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except self._errors as error:
            self.close()
            raise explained(str(error)) from error


def _sqlite(path: Path) -> _Driver:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            sqlite_address(path, "ro"),
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )

    return connect, (sqlite3.Error,)


def _postgres(url: str) -> _Driver:
    connect_to, error = postgres_driver()

    def connect() -> Any:
        connection = connect_to(url)
        connection.execute("SET default_transaction_read_only = on")
        return connection

    return connect, (error,)
