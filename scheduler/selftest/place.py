"""Where a trial keeps its record and its queue: files in its folder, or servers.

On PostgreSQL all of it goes into a schema of its own, so that a database which is in use for other
things, or for a service, is not touched.
"""

from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

from scheduler.config import load_config
from scheduler.db.connection import close_database
from scheduler.db.drivers import postgres_driver
from scheduler.db.schema import installation_id, open_existing
from scheduler.errors import ConfigError, DatabaseUnavailableError, SchemaMissingError
from scheduler.queue import open_queue


class Place:
    """One trial's place. Without URLs everything is in the folder, and ends with it."""

    def __init__(self, folder: Path, *, database_url: str | None, queue_url: str | None) -> None:
        self._folder = folder
        self._schema = folder.name.replace("-", "_")
        self._urls = {"SCHEDULER_DATABASE_URL": database_url, "SCHEDULER_QUEUE_URL": queue_url}
        self._servers = [url for url in (database_url, queue_url) if url and _is_postgres(url)]

    @property
    def text(self) -> str:
        """How people are told of it beside the folder; empty if it is in the folder alone."""
        return f" and schema {self._schema}" if self._servers else ""

    def environment(self) -> dict[str, str]:
        """Return what overrides the configuration of the trial.

        By the environment, which is hidden from functions: a URL may hold a password.
        """
        return {
            key: _inside(self._schema, url) if _is_postgres(url) else url
            for key, url in self._urls.items()
            if url
        }

    def make(self) -> None:
        """Make the schema. Raises DatabaseUnavailableError, MissingDriverError without psycopg."""
        self._execute(f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"')

    def remove(self) -> None:
        """Remove what the trial has left on the servers, however far it got."""
        try:
            if self._urls["SCHEDULER_QUEUE_URL"]:
                self._empty_queue()
        finally:
            self._execute(f'DROP SCHEMA IF EXISTS "{self._schema}" CASCADE')

    def _empty_queue(self) -> None:
        with suppress(ConfigError, SchemaMissingError):  # then nothing was ever queued
            config = load_config(self._folder / "scheduler.toml", self.environment())
            open_existing(config)
            queue = open_queue(config, installation_id())
            queue.flush()
            queue.storage.close()
            close_database()

    def _execute(self, sql: str) -> None:
        for url in self._servers:
            connect, failure = postgres_driver()
            try:
                with connect(url) as server:
                    server.execute(sql)
            except failure as error:
                raise DatabaseUnavailableError(f"PostgreSQL: {str(error).strip()}") from error


def _is_postgres(url: str) -> bool:
    return url.startswith(("postgresql://", "postgres://"))


def _inside(schema: str, url: str) -> str:
    """Return a URL whose connections see the tables of one schema only."""
    parts = urlsplit(url)
    option = f"options={quote(f'-csearch_path={schema}')}"
    return parts._replace(query=f"{parts.query}&{option}" if parts.query else option).geturl()
