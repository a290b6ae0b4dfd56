"""The peer's application: stock Huey on SQLite and one INSERT per job; BENCH_FOLDER says where."""

import os
import sqlite3
import time
from functools import cache

from huey import SqliteHuey

from tests.bench.journal import note

FOLDER = os.environ["BENCH_FOLDER"]
HISTORY = f"{FOLDER}/history.db"
JOURNAL = f"{FOLDER}/journal"
_NOTES = bool(os.environ.get("BENCH_NOTES"))

huey = SqliteHuey(filename=f"{FOLDER}/huey.db")


@huey.task()  # type: ignore[untyped-decorator]
def work(number: int, slot_at: float) -> None:
    """Do what our functions do, then record it in one row."""
    started_at = time.time()
    if _NOTES:
        note(JOURNAL, number, slot_at)
    _history().execute(
        "INSERT INTO history (number, slot_at, started_at, finished_at) VALUES (?, ?, ?, ?)",
        (number, slot_at, started_at, time.time()),
    )


def create_history() -> None:
    """Make the history's table; once, before the consumer starts."""
    _history().execute(
        "CREATE TABLE history (id INTEGER PRIMARY KEY, number INTEGER, slot_at REAL, "
        "started_at REAL, finished_at REAL)"
    )


@cache
def _history() -> sqlite3.Connection:
    """Return this process's connection: as cheap as ours, WAL and NORMAL."""
    connection = sqlite3.connect(HISTORY, timeout=30, isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection
