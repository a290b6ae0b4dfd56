"""Reads the scheduler's own database, and only reads it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_TOTALS = """
SELECT f.name, r.status, count(*), avg(r.finished_at - r.started_at)
FROM run_logs r JOIN scheduled_functions f ON f.id = r.function_id
WHERE r.finished_at >= ?
GROUP BY f.name, r.status ORDER BY f.name, r.status
"""


@dataclass(frozen=True)
class Total:
    """How often a function ended in one way; `seconds`: mean duration, None if it never ran."""

    name: str
    status: str
    runs: int
    seconds: float | None


def totals_since(database: Path, since_at: float) -> Iterator[Total]:
    """Yield the totals of all runs that ended since an instant (UTC epoch seconds).

    None where the scheduler keeps its record on PostgreSQL instead.
    """
    if not database.exists():
        return iter(())
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as ledger:
        rows = ledger.execute(_TOTALS, (since_at,)).fetchall()
    return (Total(*row) for row in rows)
