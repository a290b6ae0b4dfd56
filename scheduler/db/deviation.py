"""A run of another source than the scan saw, and the query that finds such runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WITHIN_SECONDS = 3600.0
_NEWEST_RUNS = 5000

# A run counts when a scan has ended since it started and has left the function as it was: then the
# difference is none of time. Only the newest run of each worker counts: files get mended. A file
# that cannot be scanned differs by that, and what is gone no scan sees any more.
_DEVIATIONS = f"""
    SELECT f.name, p.role, p.host, p.pid, MAX(r.id)
    FROM (SELECT id, function_id, claimed_by, started_at, source_hash FROM run_logs
          WHERE started_at > ? ORDER BY started_at DESC LIMIT {_NEWEST_RUNS}) r
    JOIN scheduled_functions f ON f.id = r.function_id
    JOIN processes p ON p.id = r.claimed_by AND p.state != 'lost'
    WHERE r.source_hash IS NOT NULL AND r.source_hash != f.source_hash AND f.state != 'gone'
    AND r.started_at > f.last_seen_at
    AND r.started_at < (SELECT MAX(started_at) FROM scans)
    AND NOT EXISTS (SELECT 1 FROM scan_errors e
        WHERE e.severity = 'error' AND e.path = f.scan_path || '/' || f.module_path)
    AND NOT EXISTS (SELECT 1 FROM run_logs newer WHERE newer.function_id = r.function_id
        AND newer.id > r.id AND newer.claimed_by = r.claimed_by
        AND newer.source_hash = f.source_hash)
    GROUP BY f.name, p.role, p.host, p.pid ORDER BY f.name, p.host, p.pid
"""


@dataclass(frozen=True, slots=True)
class Deviation:
    """A function that a worker runs from another source than the last scan saw."""

    name: str
    worker: str
    run_id: int

    @staticmethod
    def of(row: Sequence[Any]) -> "Deviation":
        """Return what a row of the query says."""
        name, role, host, pid, run_id = row
        return Deviation(str(name), f"{role} {host}:{pid}", int(run_id))


def select_deviations(now: float) -> tuple[str, list[Any]]:
    """Return the query for the functions that living workers ran from other sources of late."""
    return _DEVIATIONS, [now - WITHIN_SECONDS]
