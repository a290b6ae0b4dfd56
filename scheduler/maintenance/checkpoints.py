"""Checkpoints of SQLite's write-ahead logs, in a thread of the ticker: nobody's commit waits.

A checkpoint syncs the disk. Left to SQLite it is done in the commit that fills the log, which may
be the tick's; that remains for services whose ticker is away.
"""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from scheduler.config import Config

BUSY_SECONDS = 1.0
IDLE_SECONDS = 60.0
MANY_PAGES = 500
_STOP_SECONDS = 5.0


class Checkpoints:
    """The thread; its connections are its own."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)

    def start(self) -> None:
        """Begin; the first checkpoints are due at once."""
        if self._paths:
            self._thread.start()

    def stop(self) -> None:
        """End after the checkpoint that is under way."""
        self._is_stopping.set()
        if self._paths:
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        seconds = 0.0
        while not self._is_stopping.wait(seconds):
            pages = [checkpoint(path) for path in self._paths]
            seconds = BUSY_SECONDS if max(pages) >= MANY_PAGES else IDLE_SECONDS


def open_checkpoints(config: Config) -> Checkpoints:
    """Return the thread for the SQLite files among the configured stores."""
    stores = {config.db_path: config.database_url, config.queue_path: config.queue_url}
    return Checkpoints([path for path, url in stores.items() if url is None])


def checkpoint(path: Path) -> int:
    """Move what is committed from the log into the file, without making anybody wait.

    Returns how many pages the log held, 0 also when the file cannot be opened: whoever needs it
    will tell.
    """
    try:
        address = f"file:{quote(str(path))}?mode=rw"
        with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
            ((_, pages, _),) = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    except sqlite3.Error:
        return 0
    return max(int(pages), 0)
