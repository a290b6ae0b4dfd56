"""Retention: old finished rows leave in small batches; never what is open or a newest verdict."""

from collections.abc import Sequence

from scheduler.clock import Clock
from scheduler.crashpoints import crash_point
from scheduler.db.statements import change, change_many, placeholders, reading, rows, transaction

FIRST_BATCH = 100
_LEAST, _MOST = 25, 500
_HELD_SECONDS = 0.004  # how long a batch should keep others from writing

# Every final status by name: only so the index on (status, finished_at) serves.
_FINISHED = "status IN ('success', 'error', 'timeout', 'lost', 'cancelled', 'skipped', 'missed')"
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
        self._crowded: list[int] | None = None  # functions with too many rows, found only once

    def delete_batch(self) -> int:
        """Delete one batch in one transaction; returns how many rows went, 0 = nothing is left.

        A batch that another process deleted meanwhile does not count: there may be more.
        """
        while doomed := self._fetch_expired() or self._fetch_excess():
            if deleted := self._delete(doomed):
                return deleted
        return 0

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
            if self._crowded is None:
                self._crowded = _ids(
                    "SELECT function_id FROM run_logs GROUP BY function_id HAVING COUNT(*) > ?",
                    [self._runs_per_function],
                )
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
