"""The retention duty: deletes old runs a batch at a time, so that ticks and workers get between."""

from collections.abc import Callable

from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.db import retention
from scheduler.logs import event
from scheduler.maintenance.checkpoints import checkpoint

DAY_SECONDS = 86400.0
KEEP_SCANS_SECONDS = DAY_SECONDS
PAUSE_SECONDS = 0.05  # between two steps of a ticker: ten times and more what one takes
_PAUSE_SHARE = 3.0  # of what a batch took, when nothing else is to be done
_CHECKPOINT_RUNS = 1000  # about 2000 pages: the log of others must not grow to where they sync


class Retention:
    """Deletes what `retention_days` and `retention_runs_per_function` no longer keep."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._old_runs: retention.OldRuns | None = None  # while there are some
        self._deleted = 0

    def step(self, now: float) -> int | None:
        """Delete a batch, or only look on; returns how many rows went, None = nothing is left."""
        if self._old_runs is None:
            retention.delete_old_scans(now - KEEP_SCANS_SECONDS)
            self._old_runs = retention.OldRuns(
                before=now - self._config.retention_days * DAY_SECONDS,
                runs_per_function=self._config.retention_runs_per_function,
                clock=self._clock,
            )
        deleted = self._old_runs.delete_batch()
        if deleted is not None:
            self._deleted += deleted
            return deleted
        if self._deleted:
            event("retention.applied", runs=self._deleted)
        self._old_runs, self._deleted = None, 0
        return None


def apply_retention(
    config: Config, now: float, *, clock: Clock, pause: Callable[[float], None]
) -> int:
    """Delete everything that is not to be kept; returns how many rows went.

    `pause(seconds)` is called between batches, for some times as long as the last one took: whoever
    waits for SQLite's lock, which is not fair, gets it then.
    """
    steps, total, unsynced = Retention(config, clock), 0, 0
    began = clock.monotonic()
    while (deleted := steps.step(now)) is not None:
        pause(_PAUSE_SHARE * (clock.monotonic() - began))
        total, unsynced = total + deleted, unsynced + deleted
        if unsynced >= _CHECKPOINT_RUNS and config.database_url is None:
            checkpoint(config.db_path)
            unsynced = 0
        began = clock.monotonic()
    return total
