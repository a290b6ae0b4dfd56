"""Which schema this code knows, the names of its migrations, and whether a database has any."""

import functools
from collections.abc import Collection
from pathlib import Path

from scheduler import migrations

HISTORY_TABLE = "schema_migration"
ANY_HISTORY = f"SELECT 1 FROM {HISTORY_TABLE} LIMIT 1"
_TABLE_OF_OURS = "scheduled_functions"
MIGRATIONS_FOLDER = Path(migrations.__file__).parent


@functools.cache  # asked every second; an upgrade replaces the process too
def known_versions() -> frozenset[str]:
    """Return the names of all migrations that this code has."""
    return frozenset(path.stem for path in MIGRATIONS_FOLDER.glob("[0-9]*.py"))


def foreign_table(tables: Collection[str], *, has_history: bool) -> str | None:
    """Return one of these tables of a database if no migration of ours has made them.

    has_history: whether HISTORY_TABLE has a row. Another application may have that table as well,
    and peewee calls the first migration of each one alike. Ours makes all tables in the transaction
    that notes it; a database that was left before that has an empty HISTORY_TABLE and no other.
    """
    if _TABLE_OF_OURS in tables:
        return None
    return min({*tables} - {HISTORY_TABLE}, default=HISTORY_TABLE if has_history else None)


def describe_foreign(key: str, table: str) -> str:
    """Say what is wrong with a SQLite file that has another application's table, and the remedy."""
    return (
        f"the file is another application's database, it has a table {table}; "
        f"correct {key} to name a file of its own"
    )
