"""A copy of a live SQLite database, taken with its own backup API, and a rotation of the copies."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from places import data_file

from scheduler import schedule

KEEP = 5


@schedule(timedelta(seconds=30))
def back_up_checks() -> str:
    """Copy data/checks.db to data/backups and keep the newest five copies."""
    source = data_file("checks.db")
    if not source.exists():
        return "nothing to back up yet"
    copy = data_file("backups", f"checks-{datetime.now(UTC):%Y%m%dT%H%M%S}.db")
    _copy_live_database(source, copy)
    for old in sorted(copy.parent.glob("checks-*.db"))[:-KEEP]:
        old.unlink()
        print(f"removed {old.name}")
    print(f"wrote {copy.name}, {copy.stat().st_size} bytes")
    return copy.name


def _copy_live_database(source: Path, copy: Path) -> None:
    """Copy while others may be writing; a plain file copy could tear. Half a copy is never seen."""
    partial = copy.with_suffix(".partial")
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(partial)) as target:
        live.backup(target)
    partial.replace(copy)
