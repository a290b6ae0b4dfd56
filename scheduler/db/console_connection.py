"""A read-only connection of one's own: opened at need, closed at a fault, never waiting long."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from peewee import DatabaseError, InterfaceError, SqliteDatabase

from scheduler.config import Config
from scheduler.db.connection import file_identity, make_database
from scheduler.db.schema import MIGRATIONS_FOLDER
from scheduler.errors import SchedulerError

T = TypeVar("T")

BUSY_SECONDS = 0.25  # the screen says "locked" rather than to wait


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


class ReadConnection:
    """One connection for the thread that uses it; `when_closed` is called when it is lost.

    Every method raises ConsoleError, after which the connection is closed.
    """

    def __init__(self, config: Config, *, when_closed: Callable[[], None]) -> None:
        self._config = config
        self._database = make_database(config, read_only=True)
        self.is_sqlite = isinstance(self._database, SqliteDatabase)
        if isinstance(self._database, SqliteDatabase):
            self._database.timeout = BUSY_SECONDS
        self._when_closed = when_closed
        self._identity: tuple[int, int] | None = None
        self._version: int | None = None

    def open(self) -> None:
        """Open it unless it is open on today's file; a replaced file is opened anew."""
        if self.is_sqlite:
            identity = file_identity(self._config.db_path)
            if identity is None:
                self.close()
                raise MissingError(f"{self._config.db_path}: not found")
            if identity != self._identity:
                self.close()
                self._identity = identity
        if self._database.is_closed():
            self._guarded(self._database.connect)
            self._check_schema()

    def close(self) -> None:
        """Close it, if it is open."""
        self._version = None
        self._when_closed()
        if not self._database.is_closed():
            self._database.close()

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

        def read() -> list[tuple[Any, ...]]:
            cursor = self._database.execute_sql(portable, params)  # type: ignore[no-untyped-call]
            return list(cursor.fetchall())

        return self._guarded(read)

    def _check_schema(self) -> None:
        """Refuse a schema that is not ours, an older as well as a newer one."""
        known = {path.stem for path in MIGRATIONS_FOLDER.glob("[0-9]*.py")}
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
        except (DatabaseError, InterfaceError, sqlite3.Error) as error:
            self.close()
            raise _explained(str(error).strip().partition("\n")[0]) from error


def _explained(text: str) -> ConsoleError:
    lower = text.lower()
    if "locked" in lower or "busy" in lower:
        return LockedError("locked")
    if "no such table" in lower or "no such column" in lower or "does not exist" in lower:
        return SchemaError(text)
    return ConsoleError(text)
