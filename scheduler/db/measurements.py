"""What a scrape asks of the database: counts by index, on whichever connection it is given."""

from dataclasses import dataclass

from scheduler.db.ended_runs import Query
from scheduler.db.processes import SELECT_PROCESSES, ProcessRow
from scheduler.db.report_rows import QueueReport
from scheduler.db.reports import SELECT_QUEUE, queue_report
from scheduler.runner.complaint import ERROR
from scheduler.statuses import LATE_AFTER_SECONDS


@dataclass(frozen=True, slots=True)
class LastScan:
    """When the newest scan ended, and how long it took."""

    finished_at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Measurements:
    """The state of the service at one moment, as rows tell it.

    late: functions whose slot has been due for 5 s, whatever its grace, and no tick decided it.
    failing: functions whose last run failed.
    """

    processes: tuple[ProcessRow, ...]
    queue: QueueReport
    functions: dict[str, int]
    late: int
    failing: int
    last_scan: LastScan | None
    scan_errors: int


def measure(query: Query, now: float) -> Measurements:
    """Read it all; every question is short."""
    ((late,),) = query(
        "SELECT COUNT(*) FROM scheduled_functions "
        "WHERE state = 'active' AND enabled AND next_run_at < ?",
        [now - LATE_AFTER_SECONDS],
    )
    ((failing,),) = query(
        "SELECT COUNT(*) FROM scheduled_functions "
        "WHERE consecutive_failures > 0 AND state != 'gone'",
        [],
    )
    scans = query("SELECT finished_at, started_at FROM scans ORDER BY id DESC LIMIT 1", [])
    ((scan_errors,),) = query("SELECT COUNT(*) FROM scan_errors WHERE severity = ?", [ERROR])
    states = query("SELECT state, COUNT(*) FROM scheduled_functions GROUP BY state", [])
    return Measurements(
        processes=tuple(ProcessRow(*row) for row in query(SELECT_PROCESSES, [])),
        queue=queue_report(query(SELECT_QUEUE, [now])),
        functions={str(state): int(count) for state, count in states},
        late=int(late),
        failing=int(failing),
        last_scan=LastScan(scans[0][0], scans[0][0] - scans[0][1]) if scans else None,
        scan_errors=int(scan_errors),
    )


def function_names(query: Query) -> dict[int, str]:
    """Return the names of all functions by id."""
    return {
        int(id_): str(name) for id_, name in query("SELECT id, name FROM scheduled_functions", [])
    }
