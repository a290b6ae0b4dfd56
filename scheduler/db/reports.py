"""What the text commands read: whole reports as frozen values, each fetched to its end at once."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from scheduler.db.deviation import Deviation, select_deviations
from scheduler.db.functions import find_id
from scheduler.db.report_rows import (
    FunctionReport,
    QueueReport,
    RunReport,
    RunTexts,
    ScanErrorReport,
    ScanReport,
)
from scheduler.db.run_order import Scope, select_places
from scheduler.db.statements import placeholders, reading, rows
from scheduler.errors import NotFoundError
from scheduler.statuses import FINAL

_MEASURED_RUNS = 20
_BATCH = 500
# A slot that was made up for is available since then, but has waited only since it was queued.
_READY_AT = "CASE WHEN queued_at > available_at THEN queued_at ELSE available_at END"
SELECT_QUEUE = f"""
    SELECT status, available_at IS NULL, available_at <= ?, COUNT(*), MIN({_READY_AT})
    FROM run_logs WHERE status IN ('queued', 'running') GROUP BY 1, 2, 3
"""


def list_functions() -> list[FunctionReport]:
    """Return all functions by name."""
    return _functions("ORDER BY f.name")


def find_function(name: str) -> FunctionReport:
    """Return one function; raises NotFoundError, which names the nearest one."""
    return _functions("WHERE f.id = ?", [find_id(name)])[0]


def list_runs(
    function_id: int | None = None, *, failed: bool = False, limit: int = 20
) -> list[RunReport]:
    """Return the first attempts in the order of `run_order`; `failed`: also those missed, only."""
    scope = Scope(function_id, failed, has_missed=failed)
    with reading():
        ids = [int(place[2]) for place in rows(*select_places(scope, limit=limit))]
    found: dict[int, RunReport] = {}
    for at in range(0, len(ids), _BATCH):
        batch = ids[at : at + _BATCH]
        found |= {
            run.id: run for run in _runs(f"WHERE r.id IN ({placeholders(len(batch))})", batch)
        }
    return [found[run_id] for run_id in dict.fromkeys(ids) if run_id in found]


def list_running() -> list[RunReport]:
    """Return the attempts that are running: as many as there are slots."""
    return _runs("WHERE r.status = 'running'", [])


def find_run(run_id: int) -> RunReport:
    """Return one attempt; raises NotFoundError."""
    found = _runs("WHERE r.id = ?", [run_id])
    if not found:
        raise NotFoundError(f"there is no run {run_id}; `scheduler runs` shows the newest")
    return found[0]


def find_open_before(run: RunReport) -> RunReport | None:
    """Return the newest open attempt before a held run of its function: the last it waits for."""
    found = _runs(
        "WHERE r.function_id = (SELECT function_id FROM run_logs WHERE id = ?) AND r.id < ? "
        "AND r.status IN ('queued', 'running') ORDER BY r.id DESC LIMIT 1",
        [run.id, run.id],
    )
    return found[0] if found else None


def list_attempts(root_id: int) -> list[RunReport]:
    """Return all attempts of one run, the first one first."""
    return _runs("WHERE r.root_id = ? ORDER BY r.attempt", [root_id])


def read_texts(run_id: int) -> RunTexts:
    """Return the long texts of an attempt; raises NotFoundError."""
    with reading():
        found = rows(f"SELECT {_columns(RunTexts)} FROM run_logs WHERE id = ?", [run_id])
    if not found:
        raise NotFoundError(f"run {run_id} is no longer there: retention deleted it")
    return RunTexts(*found[0])


def find_covering(function_id: int, instant: float) -> list[RunReport]:
    """Return the attempts whose rows answer for a slot, the last attempt first."""
    # Rows never overlap, so only the next one can; asking all later ones would read the history.
    return _runs(
        "WHERE r.function_id = ? AND r.trigger = 'schedule' AND r.covers_from <= ? "
        "AND r.scheduled_for = (SELECT MIN(scheduled_for) FROM run_logs WHERE function_id = ? "
        "AND trigger = 'schedule' AND scheduled_for >= ?) ORDER BY r.attempt DESC",
        [function_id, instant, function_id, instant],
    )


def find_first_slot(function_id: int, first: float, before: float) -> float | None:
    """Return the first slot on record in [first, before), None when there is none."""
    with reading():
        ((slot,),) = rows(
            "SELECT MIN(scheduled_for) FROM run_logs WHERE function_id = ? "
            "AND trigger = 'schedule' AND scheduled_for >= ? AND scheduled_for < ?",
            [function_id, first, before],
        )
    return None if slot is None else float(slot)


def find_open_at(function_id: int, instant: float) -> RunReport | None:
    """Return the attempt that was running at an instant, else one that was queued, else None."""
    found = _runs(
        "WHERE r.function_id = ? AND r.queued_at <= ? "
        "AND (r.finished_at IS NULL OR r.finished_at > ?) "
        "ORDER BY CASE WHEN r.started_at <= ? THEN 0 ELSE 1 END, r.id DESC LIMIT 1",
        [function_id, instant, instant, instant],
    )
    return found[0] if found else None


def count_runs_since(instant: float) -> dict[str, int]:
    """Return how many attempts ended since an instant, by status."""
    with reading():
        found = rows(
            f"SELECT status, COUNT(*) FROM run_logs WHERE status IN {FINAL} "
            "AND finished_at >= ? GROUP BY status ORDER BY status",
            [instant],
        )
    return {str(status): int(count) for status, count in found}


def read_queue(now: float) -> QueueReport:
    """Count the open attempts."""
    with reading():
        return queue_report(rows(SELECT_QUEUE, [now]))


def queue_report(found: Sequence[Sequence[Any]]) -> QueueReport:
    """Add up the rows of SELECT_QUEUE."""
    counts = {"waiting": 0, "held": 0, "delayed": 0, "running": 0}
    oldest = None
    for status, is_held, is_available, count, first_at in found:
        if status == "running":
            counts["running"] += int(count)
        elif is_held:
            counts["held"] += int(count)
        elif is_available:
            counts["waiting"] += int(count)
            oldest = float(first_at)
        else:
            counts["delayed"] += int(count)
    return QueueReport(**counts, oldest_waiting_at=oldest)


def list_scan_errors() -> list[ScanErrorReport]:
    """Return what could not be scanned, by path."""
    with reading():
        found = rows(f"SELECT {_columns(ScanErrorReport)} FROM scan_errors ORDER BY path")
    return [ScanErrorReport(*row) for row in found]


def last_scan() -> ScanReport | None:
    """Return the newest scan, None before the first."""
    with reading():
        found = rows(f"SELECT {_columns(ScanReport)} FROM scans ORDER BY id DESC LIMIT 1")
    return ScanReport(*found[0]) if found else None


def measure_durations(function_ids: Sequence[int]) -> dict[int, float]:
    """Return the longest of each function's last 20 executions, in seconds; unmeasured: absent."""
    measured = {}
    with reading():
        for function_id in function_ids:
            found = rows(
                "SELECT finished_at - started_at FROM run_logs WHERE function_id = ? "
                "AND started_at IS NOT NULL AND finished_at IS NOT NULL ORDER BY id DESC LIMIT ?",
                [function_id, _MEASURED_RUNS],
            )
            if found:
                measured[function_id] = max(float(seconds) for (seconds,) in found)
    return measured


def list_deviations(now: float) -> list[Deviation]:
    """Return the functions that living workers ran from other sources within the last hour."""
    with reading():
        return [Deviation.of(row) for row in rows(*select_deviations(now))]


def _functions(condition: str, params: Sequence[Any] = ()) -> list[FunctionReport]:
    stored = ", ".join(f"f.{f.name}" for f in fields(FunctionReport)[:-2])
    with reading():
        found = rows(
            f"SELECT {stored}, COALESCE(o.running, 0), COALESCE(o.queued, 0) "
            "FROM scheduled_functions f LEFT JOIN ("
            "  SELECT function_id, SUM(CASE WHEN status = 'running' THEN 1 ELSE 0 END) AS running,"
            "  SUM(CASE WHEN status = 'queued' THEN 1 ELSE 0 END) AS queued"
            "  FROM run_logs WHERE status IN ('queued', 'running') GROUP BY function_id"
            f") o ON o.function_id = f.id {condition}",
            params,
        )
    return [_function(row) for row in found]


def _function(row: Sequence[Any]) -> FunctionReport:
    values = dict(zip((f.name for f in fields(FunctionReport)), row, strict=True))
    # SQLite has no booleans: rows carry 0 and 1.
    values.update(isolated=bool(values["isolated"]), enabled=bool(values["enabled"]))
    return FunctionReport(**values)


def _runs(condition: str, params: Sequence[Any]) -> list[RunReport]:
    stored = ", ".join("f.name" if f.name == "name" else f"r.{f.name}" for f in fields(RunReport))
    with reading():
        found = rows(
            f"SELECT {stored} FROM run_logs r "
            f"JOIN scheduled_functions f ON f.id = r.function_id {condition}",
            params,
        )
    return [RunReport(*row) for row in found]


def _columns(report: type) -> str:
    return ", ".join(f.name for f in fields(report))
