"""Which runs got their verdict since one last looked, told by ids alone: clocks may differ."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from scheduler.db.statements import placeholders
from scheduler.statuses import FINAL

Query: TypeAlias = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Reads all rows of some SQL with `?` parameters, on whichever connection."""

PAGE = 5000
_CHUNK = 500
# PostgreSQL hands out ids before the commit: one that is missing may still appear.
_GAP_LOOKS = 5
_LONGEST_GAP = 1000
_COLUMNS = "id, function_id, status, trigger, attempt, scheduled_for, started_at, finished_at"


class EndedRun(NamedTuple):
    """One attempt with its verdict; the fields stand in the order of `_COLUMNS`."""

    id: int
    function_id: int
    status: str
    trigger: str
    attempt: int
    scheduled_for: float
    started_at: float | None
    finished_at: float | None


class EndedRuns:
    """Follows the table: `pages` returns each attempt once, after it has ended.

    `on_replaced` is called when another database is found in its place.
    """

    def __init__(self, query: Query, on_replaced: Callable[[], None] = lambda: None) -> None:
        self._query = query
        self._on_replaced = on_replaced
        self._last_id = 0
        self._open: set[int] = set()
        self._gaps: dict[int, int] = {}

    def skip_past(self) -> None:
        """Leave out what has ended before now."""
        self._last_id, self._open, self._gaps = self._newest_id(), self._open_ids(), {}

    def pages(self) -> Iterator[list[EndedRun]]:
        """Yield what has ended since the last call, a few thousand at a time.

        What a failed query interrupts is yielded by the next call.
        """
        newest_id = self._newest_id()
        if newest_id < self._last_id:  # ids are not given again
            self._last_id, self._open, self._gaps = 0, set(), {}
            self._on_replaced()
        yield self._take_page()
        while self._last_id < newest_id:
            yield self._take_page()

    def _take_page(self) -> list[EndedRun]:
        still_open = self._open_ids()
        awaited = self._fetch([*(self._open - still_open), *self._gaps])
        new = self._runs("id > ? ORDER BY id LIMIT ?", [self._last_id, PAGE])
        # From here on nothing can fail: all of it is remembered, or nothing.
        self._note_gaps(awaited, new)
        self._last_id = new[-1].id if new else self._last_id
        found = awaited + new
        self._open = {run_id for run_id in still_open if run_id <= self._last_id}
        self._open.update(run.id for run in found if run.status not in FINAL)
        self._open.difference_update(run.id for run in found if run.status in FINAL)
        return [run for run in found if run.status in FINAL]

    def _note_gaps(self, awaited: list[EndedRun], new: list[EndedRun]) -> None:
        for run in awaited:
            self._gaps.pop(run.id, None)
        self._gaps = {run_id: looks - 1 for run_id, looks in self._gaps.items() if looks > 1}
        before = self._last_id
        for run in new:
            if run.id - before <= _LONGEST_GAP:
                self._gaps.update(dict.fromkeys(range(before + 1, run.id), _GAP_LOOKS))
            before = run.id

    def _fetch(self, ids: Sequence[int]) -> list[EndedRun]:
        chunks = (ids[at : at + _CHUNK] for at in range(0, len(ids), _CHUNK))
        return [
            run
            for chunk in chunks
            for run in self._runs(f"id IN ({placeholders(len(chunk))})", chunk)
        ]

    def _runs(self, condition: str, params: Sequence[Any]) -> list[EndedRun]:
        sql = f"SELECT {_COLUMNS} FROM run_logs WHERE {condition}"
        return [EndedRun._make(row) for row in self._query(sql, params)]

    def _newest_id(self) -> int:
        return int(self._query("SELECT COALESCE(MAX(id), 0) FROM run_logs", [])[0][0])

    def _open_ids(self) -> set[int]:
        sql = "SELECT id FROM run_logs WHERE status IN ('queued', 'running')"
        return {int(run_id) for (run_id,) in self._query(sql, [])}
