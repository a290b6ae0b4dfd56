"""The SQLite files that somebody keeps locked: living processes look dead meanwhile."""

import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from scheduler.cli.disks import FileFault, local_files
from scheduler.config import Config
from scheduler.sqlite_file import sqlite_address
from scheduler.sqlite_lock import is_busy, when_free

PATIENCE_SECONDS = 1.0  # with processes of the service, whose transactions take milliseconds


def find_lock_faults(config: Config) -> Iterator[FileFault]:
    """Yield a fault for each file that is locked; to be asked where somebody looks dead."""
    for key, path in local_files(config):
        if _is_locked(path):
            text = f"{key}: {path} stays locked"
            whose = f"see by whom: lsof {shlex.quote(str(path))}"
            remedy = f"{whose}; the service goes on by itself when it is free"
            yield FileFault("lock", key, text, remedy)


def _is_locked(path: Path) -> bool:
    address = sqlite_address(path, "rw")
    try:
        with closing(
            sqlite3.connect(address, uri=True, isolation_level=None, timeout=0)
        ) as connection:
            when_free(lambda: connection.execute("BEGIN IMMEDIATE"), PATIENCE_SECONDS)
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        return is_busy(error)
    except sqlite3.DatabaseError:
        pass  # damaged: others tell of that
    return False
