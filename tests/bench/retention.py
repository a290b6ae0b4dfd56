"""`python -m tests.bench.retention FOLDER`: what `scheduler prune` does, its transactions timed."""

import json
import os
import sys
import time
from pathlib import Path

from scheduler.clock import SystemClock
from scheduler.config import load_config
from scheduler.db.connection import close_database
from scheduler.db.schema import open_existing
from scheduler.maintenance.retention import apply_retention
from scheduler.models import database
from tests.bench.measuring import milliseconds, percentile


class Transactions:
    """A trace callback of SQLite: how long each write transaction held the lock.

    From the first statement after BEGIN (which has waited for the lock) to the statement or the
    pause after COMMIT, which follows it at once.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._is_begun = self._is_over = False
        self._held_since: float | None = None

    def __call__(self, statement: str) -> None:
        now = time.perf_counter()
        self._end(now)
        if self._is_begun:
            self._held_since, self._is_begun = now, False
        if statement.startswith("BEGIN IMMEDIATE"):
            self._is_begun = True
        elif statement.startswith(("COMMIT", "ROLLBACK")):
            self._is_over = True

    def pause(self, seconds: float) -> None:
        """Sleep between two batches."""
        self._end(time.perf_counter())
        time.sleep(seconds)

    def _end(self, now: float) -> None:
        if self._is_over and self._held_since is not None:
            self.seconds.append(now - self._held_since)
            self._held_since, self._is_over = None, False


def main(folder: Path) -> None:
    """Apply retention and print what it did as JSON."""
    config = load_config(folder / "scheduler.toml", os.environ)
    open_existing(config)
    transactions = Transactions()
    database.connection().set_trace_callback(transactions)
    began = time.perf_counter()
    deleted = apply_retention(config, time.time(), clock=SystemClock(), pause=transactions.pause)
    seconds = time.perf_counter() - began
    close_database()
    print(
        json.dumps(
            {
                "deleted": deleted,
                "seconds": seconds,
                "longest_ms": milliseconds(max(transactions.seconds)),
                "p99_ms": milliseconds(percentile(transactions.seconds, 0.99)),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
