"""Checkpoints of SQLite's write-ahead logs, in a thread of the ticker: nobody's commit waits.

A checkpoint syncs the disk. Left to SQLite it is done in the commit that fills the log, which may
be the tick's; that remains for services whose ticker is away. And while several processes write
without pause, no such checkpoint ever catches up: the log stays full, every commit tries again.
"""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from scheduler.config import Config

SOONEST_SECONDS = 0.25
LATEST_SECONDS = 10.0  # a burst may begin at any time
WANTED_PAGES = 1000  # in the log: a tenth of what makes a commit do a checkpoint itself
RESTART_PAGES = 2000
_PATIENCE_SECONDS = 0.01  # with writers and readers, before the log goes on as it is
_STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Log:
    """How many pages a log held before a checkpoint, and holds after it.

    One that was moved completely is as long as before, until somebody writes it from the start.
    """

    before: int = 0
    after: int = 0


class Growth:
    """How fast one log grows."""

    def __init__(self) -> None:
        self._pages = 0

    def seconds_until_next(self, log: Log, elapsed_seconds: float) -> float:
        """Return when the next checkpoint is due, so that the log holds WANTED_PAGES then."""
        new = log.before - self._pages if log.before >= self._pages else log.before
        self._pages = log.after
        seconds = elapsed_seconds * WANTED_PAGES / new if new else LATEST_SECONDS
        return min(max(seconds, SOONEST_SECONDS), LATEST_SECONDS)


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
        growths = {path: Growth() for path in self._paths}
        seconds = 0.0
        while not self._is_stopping.wait(seconds):
            seconds = min(
                growth.seconds_until_next(checkpoint(path), seconds or SOONEST_SECONDS)
                for path, growth in growths.items()
            )


def open_checkpoints(config: Config) -> Checkpoints:
    """Return the thread for the SQLite files among the configured stores."""
    stores = {config.db_path: config.database_url, config.queue_path: config.queue_url}
    return Checkpoints([path for path, url in stores.items() if url is None])


def checkpoint(path: Path) -> Log:
    """Move what is committed from the log into the file, without making anybody wait for long.

    When the file cannot be opened it tells of an empty log: whoever needs the file will complain.
    """
    try:
        address = f"file:{quote(str(path))}?mode=rw"
        with closing(
            sqlite3.connect(address, uri=True, isolation_level=None, timeout=_PATIENCE_SECONDS)
        ) as connection:
            _, pages = _checkpoint(connection, "PASSIVE")
            if pages < RESTART_PAGES:
                return Log(pages, pages)
            # Writers wait while it moves the little that came meanwhile, and begin the log anew.
            is_busy, left = _checkpoint(connection, "RESTART")
            return Log(pages, left if is_busy else 0)
    except sqlite3.Error:
        return Log()


def _checkpoint(connection: sqlite3.Connection, mode: str) -> tuple[bool, int]:
    """Return whether somebody was in the way, and how many pages the log held."""
    ((is_busy, pages, _),) = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
    return bool(is_busy), max(int(pages), 0)
