"""The schema's version: migrated by one process at a time, awaited and checked by the others."""

import fcntl
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scheduler import clock
from scheduler.config import Config
from scheduler.crashpoints import crash_point
from scheduler.db.connection import open_database, waiting_as_long_as_it_takes
from scheduler.db.statements import (
    change,
    is_sqlite,
    reading,
    rows,
    transaction,
    used_by_peewee,
)
from scheduler.db.versions import (
    ANY_HISTORY,
    HISTORY_TABLE,
    MIGRATIONS_FOLDER,
    describe_foreign,
    foreign_table,
    known_versions,
)
from scheduler.drivers import only_drivers_for
from scheduler.errors import (
    DatabaseUnavailableError,
    ForeignDatabaseError,
    SchemaMissingError,
    SchemaTooNewError,
)
from scheduler.models import TABLE_NAMES, database
from scheduler.sqlite_file import is_out_of_reach

WAIT_SECONDS = 30.0
_ADVISORY_LOCK = 7_364_190_155  # any number, the same in every scheduler


def init_schema(config: Config) -> None:
    """Open the database and bring it to today's schema; safe when several processes start at once.

    Raises SchemaTooNewError if a newer scheduler has been here, ForeignDatabaseError if another
    application has, DatabaseUnavailableError otherwise.
    """
    with _opened_alone(config):
        if _is_ready(config):
            return
        with used_by_peewee():
            crash_point("migrate.before")
            _run_migrations(config)
        crash_point("migrate.unsettled")
        with transaction():
            change(
                "INSERT INTO settings (key, value) VALUES ('installation_id', ?) "
                "ON CONFLICT (key) DO NOTHING",
                [uuid.uuid4().hex],
            )
        crash_point("migrate.after")


def open_existing(config: Config, *, read_only: bool = False) -> None:
    """Open a database that another process has made; raises SchemaMissingError if none has.

    ForeignDatabaseError if it is another application's.
    """
    if not config.database_url:
        _demand_file(config.db_path)
    open_database(config, read_only=read_only)
    if not _is_ready(config):
        raise SchemaMissingError(
            f"{_place(config)}: the schema is not ready; "
            "`scheduler run`, `ticker` or `scan` makes it"
        )


def _demand_file(path: Path) -> None:
    if is_out_of_reach(path):
        raise DatabaseUnavailableError(
            f"{path}: this user may not enter its folder; be the user of the service (sudo -u)"
        )
    if not os.path.exists(path):
        raise SchemaMissingError(f"{path}: no database yet; start the service with `scheduler run`")


def wait_for_schema(config: Config, has_to_stop: Callable[[float], bool]) -> bool:
    """Open the database once its schema is there; for processes that do not migrate.

    `has_to_stop(seconds)` waits that long and tells whether to give up. Returns False if it did;
    raises the last reason after 30 s, SchemaTooNewError and ForeignDatabaseError at once.
    """
    watch = clock.SystemClock()
    until = watch.monotonic() + WAIT_SECONDS
    while True:
        try:
            open_existing(config)
        except (SchemaTooNewError, ForeignDatabaseError):
            raise
        except DatabaseUnavailableError:
            if watch.monotonic() > until:
                raise
        else:
            return True
        if has_to_stop(0.1):
            return False


def is_schema_current() -> bool:
    """Tell whether the open database has exactly the schema this code knows.

    Raises SchemaTooNewError when it has more.
    """
    known = known_versions()
    with used_by_peewee():
        if not database.table_exists(HISTORY_TABLE):
            return False
    with reading():
        applied = {name for (name,) in rows(f"SELECT name FROM {HISTORY_TABLE}")}
        if newer := sorted(applied - known):
            raise SchemaTooNewError(
                f"the database has the schema {newer[-1]}, which this scheduler does not know; "
                "upgrade this scheduler or use another db_path"
            )
        return applied == known and bool(
            rows("SELECT 1 FROM settings WHERE key = 'installation_id'")
        )


def _is_ready(config: Config) -> bool:
    """As `is_schema_current`; raises ForeignDatabaseError for what is another application's."""
    if current_installation_id() is not None:
        return True
    _demand_ours(config)  # before their record of migrations is taken for ours
    return is_schema_current()


def current_installation_id() -> str | None:
    """Return the installation's id by one cheap look, None unless the schema is surely current."""
    try:
        with reading():
            found = rows(
                "SELECT name, (SELECT value FROM settings WHERE key = 'installation_id') "
                f"FROM {HISTORY_TABLE}"
            )
    except DatabaseUnavailableError:  # perhaps there is no such table: `is_schema_current` knows
        return None
    return found[0][1] if {name for name, _ in found} == known_versions() else None


def installation_id() -> str:
    """Return the id that tells this installation's queue from others on one server."""
    with reading():
        return str(rows("SELECT value FROM settings WHERE key = 'installation_id'")[0][0])


def _demand_ours(config: Config) -> None:
    """Raise ForeignDatabaseError if another application's tables are here, and none of ours.

    A server's database may be shared: there only a table that bears the name of ours counts.
    """
    has_history = _has_history()  # before the tables: another process may be making both just now
    with used_by_peewee():
        tables = set(database.get_tables())
    if is_sqlite():
        tables = {name for name in tables if not name.startswith("sqlite_")}
    else:
        tables &= TABLE_NAMES | {HISTORY_TABLE}
    if (name := foreign_table(tables, has_history=has_history)) is None:
        return
    if config.database_url:
        raise ForeignDatabaseError(
            f"database_url: the database has a table {name} that is not this scheduler's; "
            "correct database_url to name a database of its own"
        )
    raise ForeignDatabaseError(f"db_path: {config.db_path}: {describe_foreign('db_path', name)}")


def _has_history() -> bool:
    with used_by_peewee():
        if not database.table_exists(HISTORY_TABLE):
            return False
    with reading():
        return bool(rows(ANY_HISTORY))


def _run_migrations(config: Config) -> None:
    with only_drivers_for(config.database_url):  # slow to load, and seldom needed
        from playhouse.migrations import Runner
    Runner(database.obj, str(MIGRATIONS_FOLDER)).up()


@contextmanager
def _opened_alone(config: Config) -> Iterator[None]:
    """Open the database while no other process of the installation migrates it."""
    if config.database_url:
        open_database(config)
        with waiting_as_long_as_it_takes():
            rows("SELECT pg_advisory_lock(?)", [_ADVISORY_LOCK])
            try:
                yield
            finally:
                rows("SELECT pg_advisory_unlock(?)", [_ADVISORY_LOCK])
        return
    lock_path = config.db_path.with_name(config.db_path.name + ".migrate.lock")
    lock_fd = _open_lock(lock_path)
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX)
        open_database(config)
        yield
    finally:
        os.close(lock_fd)


def _open_lock(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DatabaseUnavailableError(
            f"{path}: cannot be created ({error.strerror}); check db_path and the folder's owner"
        ) from error


def _place(config: Config) -> str:
    return "database_url" if config.database_url else str(config.db_path)
