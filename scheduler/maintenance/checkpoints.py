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

from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.sqlite_file import sqlite_address

SOONEST_SECONDS = 0.25
LATEST_SECONDS = 30.0
_RETRY_SECONDS = 1.0  # a log that cannot be moved may be what fills the disk
SOON_RUNS = 250  # some 5000 pages, half of what makes a commit do a checkpoint itself
WANTED_PAGES = 1000  # in the log
RESTART_PAGES = 2000
_PATIENCE_SECONDS = 0.01  # with writers and readers, before the log goes on as it is
_STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Log:
    """What a checkpoint found: how many pages a log held, and since which beginning.

    One that was moved completely is as long as before, until somebody writes it from the start.
    """

    pages: int = 0
    beginning: bytes = b""


class Growth:
    """How fast one log grows."""

    def __init__(self, latest_seconds: float = LATEST_SECONDS) -> None:
        self._latest_seconds = latest_seconds
        self._log = Log()

    def seconds_until_next(self, log: Log | None, elapsed_seconds: float) -> float:
        """Return when the next checkpoint is due, so that the log has WANTED_PAGES more then.

        log: None where the last one failed.
        """
        if log is None:
            return min(_RETRY_SECONDS, self._latest_seconds)
        is_same = log.beginning == self._log.beginning and log.pages >= self._log.pages
        new = log.pages - self._log.pages if is_same else log.pages
        self._log = log
        seconds = elapsed_seconds * WANTED_PAGES / new if new else self._latest_seconds
        return min(max(seconds, SOONEST_SECONDS), self._latest_seconds)


class Checkpoints:
    """The thread; its connections are its own."""

    def __init__(
        self, paths: Sequence[Path], clock: Clock, *, latest_seconds: float = LATEST_SECONDS
    ) -> None:
        self._paths = paths
        self._clock = clock
        self._latest_seconds = latest_seconds
        self._is_stopping = threading.Event()
        self._is_soon = threading.Event()  # the next one, whatever the last one expected
        self._expected_runs = 0
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)

    def start(self) -> None:
        """Begin; the first checkpoints are due at once."""
        if self._paths:
            self._thread.start()

    def expect(self, runs: int) -> None:
        """Learn that so many runs were queued: each will be written about several times."""
        self._expected_runs += runs
        if self._expected_runs >= SOON_RUNS:
            self._is_soon.set()

    def stop(self) -> None:
        """End after the checkpoint that is under way."""
        self._is_stopping.set()
        self._is_soon.set()
        if self._paths:
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        growths = {path: Growth(self._latest_seconds) for path in self._paths}
        began, seconds = self._clock.monotonic(), 0.0
        while True:
            self._is_soon.wait(max(seconds - SOONEST_SECONDS, 0.0))
            if self._is_stopping.wait(min(seconds, SOONEST_SECONDS)):
                break
            self._expected_runs = 0
            self._is_soon.clear()
            ended = self._clock.monotonic()
            seconds = min(
                growth.seconds_until_next(checkpoint(path), max(ended - began, SOONEST_SECONDS))
                for path, growth in growths.items()
            )
            began = ended


def open_checkpoints(config: Config, clock: Clock) -> Checkpoints:
    """Return the thread for the SQLite files among the configured stores."""
    stores = {config.db_path: config.database_url, config.queue_path: config.queue_url}
    return Checkpoints([path for path, url in stores.items() if url is None], clock)


def checkpoint(path: Path) -> Log | None:
    """Move what is committed from the log into the file, without making anybody wait for long.

    None when that is not possible, as on a full disk: whoever needs the file will complain.
    """
    try:
        address = sqlite_address(path, "rw")
        with closing(
            sqlite3.connect(address, uri=True, isolation_level=None, timeout=_PATIENCE_SECONDS)
        ) as connection:
            beginning = _read_beginning(path)
            pages = _checkpoint(connection, "PASSIVE")
            if pages >= RESTART_PAGES:
                # Writers wait while it moves the little that came meanwhile; if no reader is in the
                # way, the next one begins the log anew.
                _checkpoint(connection, "RESTART")
            return Log(pages, beginning)
    except (sqlite3.Error, OSError):
        return None


def _checkpoint(connection: sqlite3.Connection, mode: str) -> int:
    """Return how many pages the log held."""
    ((_, pages, _),) = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
    return max(int(pages), 0)


def _read_beginning(path: Path) -> bytes:
    """Return what is another each time that the log is written from its start: count and salts.

    It is safe to close this file: the locks of SQLite are on others.
    """
    with Path(f"{path}-wal").open("rb") as log:
        log.seek(12)
        return log.read(12)
