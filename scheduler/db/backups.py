"""A copy of the live SQLite database by its backup API; the service need not pause for it."""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from scheduler.config import Config
from scheduler.db.connection import make_database
from scheduler.errors import SchedulerError


def back_up(config: Config, target: Path) -> int:
    """Write a consistent copy of the database to a new file, 0600; return its size in bytes.

    Raises SchedulerError if the file exists or cannot be written, or the copy is not sound.
    """
    _refuse_existing(target)
    try:
        fd, name = tempfile.mkstemp(prefix=f"{target.name}.", dir=target.parent)
        os.close(fd)
    except OSError as error:
        what = "create it" if isinstance(error, FileNotFoundError) else "make it writable"
        raise SchedulerError(
            f"{target.parent}: cannot be written to: {error.strerror}; {what}, or name another file"
        ) from error
    unfinished = Path(name)
    try:
        _copy(config, unfinished)
        _refuse_existing(target)
        unfinished.rename(target)
    except (sqlite3.Error, OSError) as error:
        raise SchedulerError(f"{target}: not written: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return target.stat().st_size


def _copy(config: Config, file: Path) -> None:
    source = make_database(config, read_only=True)
    source.connect()
    try:
        with closing(sqlite3.connect(file)) as copy:
            # In one step: between two the service writes, and SQLite would begin anew each time.
            # A reader of a WAL holds up nobody meanwhile.
            source.connection().backup(copy)  # type: ignore[no-untyped-call]
            # One file, with nothing beside it that somebody could forget to copy.
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()
            fault = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
            if fault != "ok":
                raise sqlite3.DatabaseError(f"the copy is not sound: {fault}")
    finally:
        source.close()


def _refuse_existing(target: Path) -> None:
    if target.exists():
        raise SchedulerError(f"{target}: exists already; name a new file, or remove that one first")
