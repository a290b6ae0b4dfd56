"""Retention: old finished rows leave in small batches; never what is open or a newest verdict."""

from collections.abc import Sequence

from scheduler.clock import Clock
from scheduler.crashpoints import crash_point
from scheduler.db.statements import change, change_many, placeholders, reading, rows, transaction
from scheduler.statuses import FINAL

FIRST_BATCH = 100
_LEAST, _MOST = 25, 500
_COUNTED_ROWS = 5_000  # a millisecond or two
_HELD_SECONDS = 0.004  # how long a batch should keep others from writing

# Every final status by name: only so the index on (status, finished_at) serves.
_FINISHED = f"status IN {FINAL}"
# The last attempt is the run's verdict, finished after all others: it decides for all of them.
_IS_LAST_ATTEMPT = (
    "NOT EXISTS (SELECT 1 FROM run_logs l WHERE l.root_id = r.root_id AND l.attempt > r.attempt)"
)
_IS_NOT_NEWEST = (
    "r.root_id != (SELECT n.root_id FROM run_logs n WHERE n.function_id = r.function_id "
    "ORDER BY n.id DESC LIMIT 1)"
)


class OldRuns:
    """What retention may delete: runs that finished before an instant, or exceed the number that
    each function keeps. A run goes with all its attempts or not at all; open ones stay, and each
    function's newest."""

    def __init__(self, *, before: float, runs_per_function: int, clock: Clock) -> None:
        self._before = before
        self._runs_per_function = runs_per_function
        self._clock = clock
        self._size = FIRST_BATCH
        self._has_expired = True
        self._census = _Census(runs_per_function)
        self._crowded: list[int] = []  # functions with too many rows

    def delete_batch(self) -> int | None:
        """Delete one batch in one transaction; returns how many rows went, None = nothing is left.

        0 when it has only looked for some, or another process deleted them meanwhile.
        """
        doomed = self._fetch_expired() if self._has_expired else []
        self._has_expired = bool(doomed)
        if doomed := doomed or self._fetch_excess():
            return self._delete(doomed)
        return None if self._census.is_over else 0

    def _fetch_expired(self) -> list[int]:
        with reading():
            return _ids(
                f"SELECT root_id FROM run_logs r WHERE {_FINISHED} AND finished_at < ? "
                f"AND {_IS_LAST_ATTEMPT} AND {_IS_NOT_NEWEST} LIMIT ?",
                [self._before, self._size],
            )

    def _fetch_excess(self) -> list[int]:
        """Return runs of as many functions as a batch has room for."""
        doomed: list[int] = []
        with reading():
            self._crowded = self._crowded or self._census.count_some()
            while self._crowded and len(doomed) < self._size:
                excess = self._fetch_excess_of(self._crowded[-1], self._size - len(doomed))
                doomed += excess
                if len(doomed) < self._size:
                    self._crowded.pop()
        return doomed

    def _fetch_excess_of(self, function_id: int, most: int) -> list[int]:
        return _ids(
            f"SELECT root_id FROM run_logs r WHERE function_id = ? AND {_FINISHED} "
            "AND id <= (SELECT k.id FROM run_logs k WHERE k.function_id = ? "
            "ORDER BY k.id DESC LIMIT 1 OFFSET ?) "
            f"AND {_IS_LAST_ATTEMPT} AND {_IS_NOT_NEWEST} ORDER BY id LIMIT ?",
            [function_id, function_id, self._runs_per_function, most],
        )

    def _delete(self, doomed: Sequence[int]) -> int:
        crash_point("retention.before")
        newest = _fetch_newest_slots(doomed)
        with transaction():
            began = self._clock.monotonic()
            _note_pruned(newest)
            deleted = change(
                f"DELETE FROM run_logs WHERE root_id IN ({placeholders(len(doomed))})", doomed
            )
            crash_point("retention.uncommitted")
        self._size = fitting_size(len(doomed), self._clock.monotonic() - began)
        crash_point("retention.committed")
        return deleted


class _Census:
    """Counts the runs of all functions, some thousand rows at a time: nobody's tick waits long."""

    def __init__(self, runs_per_function: int) -> None:
        self._runs_per_function = runs_per_function
        self._function_id = self._run_id = self._count = 0  # the last that were counted
        self.is_over = False

    def count_some(self) -> list[int]:
        """Count on; returns the functions that turned out to have too many rows."""
        found = [] if self.is_over else self._count_rows()
        self.is_over = sum(count for _, count, _ in found) < _COUNTED_ROWS
        crowded = []
        for function_id, count, run_id in found:
            before = self._count if function_id == self._function_id else 0
            if before <= self._runs_per_function < before + count:
                crowded.append(function_id)
            self._function_id, self._count, self._run_id = function_id, before + count, run_id
        return crowded

    def _count_rows(self) -> list[tuple[int, int, int]]:
        return rows(
            "SELECT function_id, COUNT(*), MAX(id) FROM (SELECT function_id, id FROM run_logs "
            "WHERE (function_id, id) > (?, ?) ORDER BY function_id, id LIMIT ?) AS next_rows "
            "GROUP BY function_id ORDER BY function_id",
            [self._function_id, self._run_id, _COUNTED_ROWS],
        )


def fitting_size(runs: int, seconds: float) -> int:
    """Return how many runs to delete next, when so many have held the lock for so long.

    Outputs may be long, disks slow, and the process may have been suspended meanwhile.
    """
    change_by = _HELD_SECONDS / max(seconds, _HELD_SECONDS / 2)
    return round(min(max(runs * max(change_by, 0.25), _LEAST), _MOST))


def delete_old_scans(before: float) -> None:
    """Delete the record of old scans, but the newest."""
    with transaction():
        change(
            "DELETE FROM scans WHERE finished_at < ? AND id < (SELECT MAX(id) FROM scans)",
            [before],
        )


def _fetch_newest_slots(doomed: Sequence[int]) -> list[tuple[float, int]]:
    """Return the newest slot among these runs, and its function, for each function.

    Before the transaction: what has a verdict does not change, and what was read is read fast.
    """
    with reading():
        return [
            (float(slot), int(function_id))
            for slot, function_id in rows(
                "SELECT MAX(scheduled_for), function_id FROM run_logs WHERE trigger = 'schedule' "
                f"AND root_id IN ({placeholders(len(doomed))}) "
                "GROUP BY function_id ORDER BY function_id",
                doomed,
            )
        ]


def _note_pruned(newest: Sequence[tuple[float, int]]) -> None:
    """Remember up to which slot a function's history is gone, for `explain`."""
    change_many(
        "UPDATE scheduled_functions SET pruned_until_at = ? "
        "WHERE id = ? AND (pruned_until_at IS NULL OR pruned_until_at < ?)",
        [(slot, function_id, slot) for slot, function_id in newest],
    )


def _ids(sql: str, params: Sequence[float]) -> list[int]:
    return [int(found) for (found,) in rows(sql, params)]
