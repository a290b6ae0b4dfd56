"""What the console reads: its own read-only connection, short reads, frozen rows out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from scheduler.config import Config
from scheduler.db.console_connection import ReadConnection
from scheduler.db.console_functions import FunctionTable
from scheduler.db.console_hours import HourlyCounts
from scheduler.db.console_rows import (
    Counts,
    FunctionDetails,
    Mark,
    Overview,
    ProcessRow,
    Queued,
    RunDetails,
    RunPage,
    RunRow,
    ScanErrorRow,
    ScanRow,
)
from scheduler.db.console_stats import FunctionStats
from scheduler.db.deviation import Deviation, select_deviations
from scheduler.db.run_order import Place, Scope, select_place, select_places
from scheduler.statuses import FAILED

DAY_SECONDS = 86400
PAGE_ROWS = 200
STATS_RUNS = 2000
RECOUNT_SECONDS = 30.0

_RUN_COLUMNS = (
    "id, function_id, status, trigger, attempt, slots, scheduled_for, covers_from, queued_at,"
    " available_at, started_at, finished_at, claimed_by, error_type,"
    " substr(error_message, 1, 300), reason, cancel_requested_at"
)
# A limit inside keeps SQLite from walking over all runs in the order that is wanted outside.
OPEN_RUNS = 2000
_RUNNING = f"id IN (SELECT id FROM run_logs WHERE status = 'running' LIMIT {OPEN_RUNS})"
_QUEUED = (
    "SELECT function_id, available_at, attempt,"
    " CASE WHEN queued_at > available_at THEN queued_at ELSE available_at END AS ready_at"
    " FROM run_logs WHERE status = 'queued' LIMIT 100000"
)
_DETAIL_COLUMNS = (
    "root_id, error_message, traceback, exit_code, signal, output, output_bytes, result,"
    " peak_rss_bytes, cpu_seconds, stack_requested_at, stack"
)


class ConsoleDatabase:
    """One read-only connection for the thread that uses it, opened at need.

    Every method raises ConsoleError (and closes, so that the next call opens again).
    """

    def __init__(self, config: Config) -> None:
        self._connection = ReadConnection(config, when_closed=self._forget)
        self._rows = self._connection.rows
        self._functions = FunctionTable(self._rows)
        self._hours = HourlyCounts(self._rows, is_sqlite=self._connection.is_sqlite)
        self._hourly: tuple[float, tuple[int, ...]] | None = None
        self._found_deviations: tuple[float, tuple[Deviation, ...]] = (0.0, ())

    def close(self) -> None:
        """Close the connection; the next read opens it again."""
        self._connection.close()

    def has_changed(self) -> bool:
        """Tell whether somebody committed since the last call; PostgreSQL cannot say: always."""
        self._connection.open()
        return self._connection.has_changed()

    def overview(self, now: float, *, is_quick: bool = False) -> Overview:
        """Read everything the first screen shows except runs and histories.

        is_quick: without the counts of 24 hours, which take 0.1 s at a million runs.
        """
        self._connection.open()
        scans = self._rows(
            "SELECT started_at, finished_at, files, functions, errors FROM scans"
            " ORDER BY id DESC LIMIT 1"
        )
        return Overview(
            taken_at=now,
            functions=self._functions.read(),
            running=tuple(self._runs(_RUNNING, (), limit=OPEN_RUNS)),
            queued=self._queued(now),
            processes=tuple(
                ProcessRow(*row)
                for row in self._rows(
                    "SELECT id, role, host, pid, started_at, heartbeat_at, slots, state, detail"
                    " FROM processes ORDER BY role, started_at, id LIMIT 500"
                )
            ),
            scan_errors=tuple(
                ScanErrorRow(*row)
                for row in self._rows(
                    "SELECT path, error_type, message, traceback, line, severity,"
                    " first_seen_at, last_seen_at"
                    " FROM scan_errors ORDER BY path LIMIT 500"
                )
            ),
            last_scan=ScanRow(*scans[0]) if scans else None,
            counts=None if is_quick else self._counts(now),
            deviations=() if is_quick else self._deviations(now),
        )

    def recount(self, overview: Overview, now: float) -> Overview:
        """Return an overview to which nobody has written since with what the time has changed."""
        self._connection.open()
        return replace(
            overview,
            taken_at=now,
            counts=self._counts(now),
            queued=self._queued(now),
            deviations=self._deviations(now),
        )

    def histories(
        self, function_ids: Iterable[int], *, limit: int = 16
    ) -> dict[int, tuple[Mark, ...]]:
        """Return the last runs of each function, oldest first; ask for visible rows only."""
        self._connection.open()
        found = {}
        for function_id in function_ids:
            rows = self._rows(
                "SELECT status, started_at, finished_at, error_type,"
                " substr(error_message, 1, 300), reason FROM run_logs"
                " WHERE function_id = ? AND status NOT IN ('queued', 'running')"
                " ORDER BY id DESC LIMIT ?",
                (function_id, limit),
            )
            found[function_id] = tuple(map(Mark._make, reversed(rows)))
        return found

    def details(self, function_ids: Iterable[int]) -> dict[int, FunctionDetails]:
        """Return what the list does not need of functions; ask for visible rows only."""
        self._connection.open()
        return self._functions.details(function_ids)

    def run_page(
        self,
        *,
        function_id: int | None = None,
        around_id: int | None = None,
        is_oldest: bool = False,
        is_failing: bool = False,
    ) -> RunPage:
        """Return a window of runs, newest first: the newest, the oldest, or those around one."""
        self._connection.open()
        scope = Scope(function_id, is_failing)
        if around_id is None:
            places = self._places(scope, PAGE_ROWS, ascending=is_oldest)
        else:
            places = self._places_around(scope, around_id)
        (newest, oldest) = self._ends(scope)
        return RunPage(
            tuple(self._runs_at(places)),
            oldest_id=oldest.id if oldest else None,
            newest_id=newest.id if newest else None,
            oldest_at=oldest.at if oldest else 0.0,
            newest_at=newest.at if newest else 0.0,
        )

    def run(self, run_id: int) -> RunDetails | None:
        """Return one attempt in full with its sibling attempts, None when it was deleted."""
        self._connection.open()
        runs = self._runs("id = ?", (run_id,), limit=1)
        if not runs:
            return None
        row = self._rows(f"SELECT {_DETAIL_COLUMNS} FROM run_logs WHERE id = ?", (run_id,))[0]
        siblings = self._runs("root_id = ?", (row[0],), limit=50) if row[0] is not None else []
        return RunDetails(runs[0], tuple(reversed(siblings)), *row)

    def stats(self, function_id: int, now: float) -> FunctionStats:
        """Measure a function's newest STATS_RUNS runs and count its last 24 hours."""
        self._connection.open()
        since = self._rows(
            "SELECT id FROM run_logs WHERE started_at >= ? ORDER BY started_at LIMIT 1",
            (now - DAY_SECONDS,),
        )
        counts = (
            self._rows(
                "SELECT status, count(*) FROM run_logs WHERE function_id = ? AND id >= ?"
                " GROUP BY status",
                (function_id, since[0][0]),
            )
            if since
            else []
        )
        timings = self._rows(
            "SELECT scheduled_for, queued_at, available_at, started_at, finished_at, trigger,"
            " attempt"
            " FROM run_logs WHERE function_id = ? AND started_at IS NOT NULL"
            " ORDER BY id DESC LIMIT ?",
            (function_id, STATS_RUNS),
        )
        return FunctionStats.measured(dict(counts), timings, now)

    def _forget(self) -> None:
        """Drop what was cached from the file that was open."""
        self._hourly, self._found_deviations = None, (0.0, ())
        self._functions.forget()
        self._hours.forget()

    def _queued(self, now: float) -> dict[int, Queued]:
        rows = self._rows(
            "SELECT function_id, count(*),"
            " sum(CASE WHEN available_at <= ? THEN 1 ELSE 0 END), min(ready_at), max(attempt)"
            f" FROM ({_QUEUED}) AS queued GROUP BY function_id",
            (now,),
        )
        return {row[0]: Queued(*row[1:]) for row in rows}

    def _counts(self, now: float) -> Counts:
        failed = self._rows(
            f"SELECT count(*) FROM run_logs WHERE status IN {FAILED} AND finished_at >= ?",
            (now - DAY_SECONDS,),
        )[0][0]
        if self._hourly is None or not 0 <= now - self._hourly[0] < RECOUNT_SECONDS:
            self._hourly = (now, self._hours.read(now))
        counted_at, hours = self._hourly
        newer = self._rows("SELECT count(*) FROM run_logs WHERE started_at >= ?", (counted_at,))
        return Counts(runs_24h=sum(hours) + newer[0][0], failed_24h=failed, hourly=hours)

    def _deviations(self, now: float) -> tuple[Deviation, ...]:
        """Look for runs of other sources every 30 s only: it takes as long as all the rest."""
        looked_at, found = self._found_deviations
        if not 0 <= now - looked_at < RECOUNT_SECONDS:
            found = tuple(map(Deviation.of, self._rows(*select_deviations(now))))
            self._found_deviations = (now, found)
        return found

    def _places(
        self, scope: Scope, limit: int, *, beyond: Place | None = None, ascending: bool = False
    ) -> list[Place]:
        """Return places newest first; ascending: the nearest ones on the newer side."""
        rows = self._rows(*select_places(scope, limit=limit, beyond=beyond, ascending=ascending))
        places = [Place(*row) for row in rows]
        return places[::-1] if ascending else places

    def _places_around(self, scope: Scope, run_id: int) -> list[Place]:
        found = self._rows(*select_place(run_id))
        if not found:  # it and all before it were deleted
            return self._places(scope, PAGE_ROWS, ascending=True)
        here = Place(*found[0])
        newer = self._places(scope, PAGE_ROWS // 2, beyond=here, ascending=True)
        # The place itself is the first of those that come after the one just above it.
        above = Place(here.is_queued, here.at, here.id + 1)
        return [*newer, *self._places(scope, PAGE_ROWS // 2, beyond=above)]

    def _ends(self, scope: Scope) -> tuple[Place | None, Place | None]:
        newest, oldest = self._places(scope, 1), self._places(scope, 1, ascending=True)
        return next(iter(newest), None), next(iter(oldest), None)

    def _runs_at(self, places: Sequence[Place]) -> list[RunRow]:
        ids = list(dict.fromkeys(place.id for place in places))
        if not ids:
            return []
        marks = ", ".join("?" * len(ids))
        rows = self._rows(f"SELECT {_RUN_COLUMNS} FROM run_logs WHERE id IN ({marks})", ids)
        runs = {row[0]: RunRow._make(row) for row in rows}
        return [runs[run_id] for run_id in ids if run_id in runs]

    def _runs(self, where: str, params: Sequence[Any], *, limit: int) -> list[RunRow]:
        """Return the newest runs that match, by their ids."""
        rows = self._rows(
            f"SELECT {_RUN_COLUMNS} FROM run_logs WHERE {where} ORDER BY id DESC LIMIT ?",
            (*params, limit),
        )
        return [RunRow._make(row) for row in rows]
