"""The retention duty: deletes old runs a batch at a time, so that ticks get between."""

from scheduler.config import Config
from scheduler.db import retention
from scheduler.logs import event

DAY_SECONDS = 86400.0
KEEP_SCANS_SECONDS = DAY_SECONDS


def apply_retention(config: Config, now: float, *, batches: int | None = None) -> int:
    """Delete what `retention_days` and `retention_runs_per_function` no longer keep.

    At most `batches` transactions (None = until nothing is left). Returns how many rows went.
    """
    before = now - config.retention_days * DAY_SECONDS
    retention.delete_old_scans(now - KEEP_SCANS_SECONDS)
    deleted = 0
    while batches is None or batches > 0:
        step = retention.delete_old_runs(before, config.retention_runs_per_function)
        if step == 0:
            break
        deleted += step
        batches = None if batches is None else batches - 1
    if deleted:
        event("retention.applied", runs=deleted)
    return deleted
