"""The three back ends that keep the same promises, and how a test reads their rows."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scheduler.sqlite_file import sqlite_address

NETWORKED = ("postgres+redis", "postgres")
# The conformance suite: every test of a promise runs on each of them. Where there are many cases
# (`full`), the sample of a plain run is drawn for each back end.
BACKENDS = ("sqlite", *NETWORKED)
ALL_BACKENDS = pytest.mark.parametrize("backend", BACKENDS, indirect=True)
ON_SERVERS = pytest.mark.parametrize("backend", NETWORKED, indirect=True)


@dataclass(frozen=True)
class Backend:
    """Where a service keeps its rows and messages; None means its SQLite file."""

    database_url: str | None = None
    queue_url: str | None = None

    def keys(self) -> dict[str, str]:
        """Return the configuration keys that choose this back end."""
        urls = {"database_url": self.database_url, "queue_url": self.queue_url}
        return {key: url for key, url in urls.items() if url}

    def rows(self, file: Path, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Read the database as any other program would; empty while it has no tables."""
        if self.database_url:
            return rows_of_server(self.database_url, sql, params)
        return _rows_of_file(file, sql, params) if file.exists() else []

    @contextmanager
    def unwritten(self, *files: Path) -> Iterator[None]:
        """Keep all writers out of files; who stopped while it writes would stop everybody."""
        with ExitStack() as locks:
            for file in files if self.database_url is None else ():
                connection = locks.enter_context(closing(sqlite3.connect(file, timeout=30)))
                connection.execute("BEGIN IMMEDIATE")
            yield


def _rows_of_file(file: Path, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    address = sqlite_address(file, "ro")
    with closing(sqlite3.connect(address, uri=True, timeout=30)) as connection:
        try:
            return connection.execute(sql, params).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise


def rows_of_server(url: str, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Read a database on PostgreSQL; empty while it has no such table."""
    import psycopg

    # Percent signs of LIKE patterns are meant literally where there are no parameters.
    query = sql.replace("%", "%%").replace("?", "%s") if params else sql
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        try:
            return connection.execute(query.encode(), params or None).fetchall()
        except psycopg.errors.UndefinedTable:
            return []
