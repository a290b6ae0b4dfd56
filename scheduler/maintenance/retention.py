"""The retention duty: deletes old runs a batch at a time, so that ticks get between."""

from dataclasses import dataclass

from scheduler.config import Config
from scheduler.db import retention
from scheduler.logs import event

DAY_SECONDS = 86400.0
KEEP_SCANS_SECONDS = DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Applied:
    """How many rows retention deleted, and whether nothing is left that it could delete."""

    runs: int
    is_complete: bool


def apply_retention(config: Config, now: float, *, batches: int | None = None) -> Applied:
    """Delete what `retention_days` and `retention_runs_per_function` no longer keep.

    In at most `batches` transactions (None = until nothing is left).
    """
    retention.delete_old_scans(now - KEEP_SCANS_SECONDS)
    old_runs = retention.OldRuns(
        before=now - config.retention_days * DAY_SECONDS,
        runs_per_function=config.retention_runs_per_function,
    )
    deleted = 0
    is_complete = False
    while not is_complete and (batches is None or batches > 0):
        step = old_runs.delete_batch()
        deleted += step
        is_complete = step == 0
        batches = None if batches is None else batches - 1
    if deleted:
        event("retention.applied", runs=deleted)
    return Applied(deleted, is_complete)
