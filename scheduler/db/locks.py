"""The order of PostgreSQL's row locks: runs before functions, each kind by its ids.

Then no two transactions wait for each other in a circle, of which PostgreSQL ends one after a
second. SQLite has one writer at a time: nothing is locked here. What a transaction changes of
functions beside runs goes through `statements.change_function_at_end`.
"""

from collections.abc import Sequence
from typing import Any

from scheduler.db.statements import is_sqlite, one_of, rows

# Weaker than FOR UPDATE, which would stand in the way of whoever inserts a run of the function.
LOCK = "FOR NO KEY UPDATE"


def lock_functions(column: str, values: Sequence[Any]) -> None:
    """Wait for the functions that a column (id, name) has such values for, and hold them."""
    if not is_sqlite() and values:
        is_one, params = one_of(column, values)
        rows(f"SELECT 1 FROM scheduled_functions WHERE {is_one} ORDER BY id {LOCK}", params)


def lock_runs(run_ids: Sequence[int]) -> None:
    """Wait for some runs, and hold them."""
    if not is_sqlite() and len(run_ids) > 1:
        is_one, params = one_of("id", run_ids)
        rows(f"SELECT 1 FROM run_logs WHERE {is_one} ORDER BY id {LOCK}", params)


def lock_open_runs(function_ids: Sequence[int]) -> None:
    """Wait for the open runs of some functions, and hold them."""
    if not is_sqlite() and function_ids:
        is_one, params = one_of("function_id", function_ids)
        rows(
            f"SELECT 1 FROM run_logs WHERE {is_one} "
            f"AND status IN ('queued', 'running') ORDER BY id {LOCK}",
            params,
        )


def unless_locked() -> str:
    """Return the end of a SELECT that holds rows and leaves out what others hold."""
    return "" if is_sqlite() else f" {LOCK} SKIP LOCKED"
