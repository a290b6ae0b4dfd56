"""Which schema this code knows, the names of its migrations, and whether a database has any."""

import functools
from collections.abc import Collection
from pathlib import Path

from scheduler import migrations

HISTORY_TABLE = "schema_migration"
_TABLE_OF_OURS = "scheduled_functions"
MIGRATIONS_FOLDER = Path(migrations.__file__).parent


@functools.cache  # asked every second; an upgrade replaces the process too
def known_versions() -> frozenset[str]:
    """Return the names of all migrations that this code has."""
    return frozenset(path.stem for path in MIGRATIONS_FOLDER.glob("[0-9]*.py"))


def foreign_table(tables: Collection[str], applied: Collection[str]) -> str | None:
    """Return one of these tables of a database if no migration of ours has made them.

    applied: what HISTORY_TABLE names, which another application of peewee may have as well. It is
    committed before the first migration begins, so that a database that was left half-made has it.
    """
    if HISTORY_TABLE not in tables:
        return min(tables, default=None)
    if not applied or _TABLE_OF_OURS in tables or not known_versions().isdisjoint(applied):
        return None
    return HISTORY_TABLE


def describe_foreign(key: str, table: str) -> str:
    """Say what is wrong with a SQLite file that has another application's table, and the remedy."""
    return (
        f"the file is another application's database, it has a table {table}; "
        f"correct {key} to name a file of its own"
    )
