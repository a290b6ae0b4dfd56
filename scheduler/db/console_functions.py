"""The functions as the console knows them: all that scans found once, then only what changes."""

from collections.abc import Iterable
from operator import itemgetter
from sys import intern
from typing import Any

from scheduler.db.console_connection import Query
from scheduler.db.console_rows import FunctionDetails, FunctionRow

_SCANNED = "id, name, scan_path, module_path, line, interval_seconds, cron, grace_seconds"
# The first tells whether a scan has written the function since: all of it is then read again.
_CHANGING = (
    "last_seen_at, enabled, state, next_run_at, last_status, last_started_at,"
    " last_duration_seconds, consecutive_failures"
)
_DETAILS = (
    "id, description, anchor_at, timezone, start, jitter_seconds, catch_up, overlap,"
    " timeout_seconds, retries, priority, isolated, paused_at"
)
_SCANNED_COLUMNS = len(_SCANNED.split(","))
_SHARED = tuple(
    FunctionRow._fields.index(name) for name in ("scan_path", "module_path", "state", "last_status")
)


class FunctionTable:
    """Remembers the functions, so that of 20,000 only what moved is read and made anew."""

    def __init__(self, rows: Query) -> None:
        self._rows = rows
        self._known: dict[int, FunctionRow] = {}
        self._all: tuple[FunctionRow, ...] = ()

    def forget(self) -> None:
        """Drop what was read of a database that is not the one any more."""
        self._known, self._all = {}, ()

    def read(self) -> tuple[FunctionRow, ...]:
        """Return all functions in the order of their names; those that did not change as they were.

        The very same tuple comes back when none did.
        """
        changed = self._changed() if self._known else None
        if changed is None:
            self._read_all()
        elif changed:
            self._known |= changed
            self._all = tuple(self._known.values())
        return self._all

    def details(self, function_ids: Iterable[int]) -> dict[int, FunctionDetails]:
        """Return what else is known of some functions."""
        ids = list(function_ids)
        marks = ", ".join("?" * len(ids))
        query = f"SELECT {_DETAILS} FROM scheduled_functions WHERE id IN ({marks})"
        found = self._rows(query, ids) if ids else []
        return {row[0]: FunctionDetails._make(row[1:]) for row in found}

    def _changed(self) -> dict[int, FunctionRow] | None:
        """Return the functions that ticks and runs have changed; None: a scan has changed some."""
        rows = self._rows(f"SELECT id, {_CHANGING} FROM scheduled_functions")
        if len(rows) != len(self._known):
            return None
        changed = {}
        for row in rows:
            old = self._known.get(row[0])
            if old is None or old.last_seen_at != row[1]:
                return None
            if old[_SCANNED_COLUMNS:] != row[1:]:
                changed[row[0]] = _row(old[:_SCANNED_COLUMNS] + row[1:])
        return changed

    def _read_all(self) -> None:
        rows = self._rows(f"SELECT {_SCANNED}, {_CHANGING} FROM scheduled_functions")
        # By name here: SQLite would fetch every row by way of the index, at twice the cost.
        rows.sort(key=itemgetter(1))
        known, self._known = self._known, {}
        for row in rows:
            old = known.get(row[0])
            # Most rows are as they were: who holds the old value sees that at one glance.
            self._known[row[0]] = old if old == row else _row(row)
        self._all = tuple(self._known.values())


def _row(values: Iterable[Any]) -> FunctionRow:
    """Make a row; the texts that many rows have in common are kept once."""
    row = [*values]
    for place in _SHARED:
        if row[place]:
            row[place] = intern(row[place])
    return FunctionRow._make(row)
