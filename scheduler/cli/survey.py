"""Everything `status` knows, read at one moment."""

from dataclasses import dataclass

from scheduler.config import Config
from scheduler.db.deviation import Deviation
from scheduler.db.report_rows import (
    FunctionReport,
    QueueReport,
    RunReport,
    ScanErrorReport,
    ScanReport,
)
from scheduler.db.reports import (
    count_runs_since,
    last_scan,
    list_deviations,
    list_functions,
    list_running,
    list_scan_errors,
    read_queue,
)
from scheduler.maintenance.conditions import Process, list_processes

DAY_SECONDS = 86400


@dataclass(frozen=True, slots=True)
class Survey:
    """The state of the whole service; `runs_24h` counts ended attempts by status."""

    now: float
    config: Config
    processes: tuple[Process, ...]
    functions: tuple[FunctionReport, ...]
    runs_24h: dict[str, int]
    queue: QueueReport
    running: tuple[RunReport, ...]
    last_scan: ScanReport | None
    scan_errors: tuple[ScanErrorReport, ...]
    deviations: tuple[Deviation, ...]

    def alive(self, role: str) -> list[Process]:
        """Return the living processes of a role."""
        return [process for process in self.processes if process.role == role and process.is_alive]

    @property
    def serving(self) -> list[Process]:
        """The living tickers and workers: a scan alone is no service."""
        return [*self.alive("ticker"), *self.alive("worker")]

    @property
    def is_stopping(self) -> bool:
        """Whether something serves still, and all of that drains."""
        return bool(self.serving) and all(p.condition == "draining" for p in self.serving)


def take_survey(config: Config, now: float) -> Survey:
    """Read it all from the open database."""
    return Survey(
        now=now,
        config=config,
        processes=tuple(list_processes(config, now)),
        functions=tuple(list_functions()),
        runs_24h=count_runs_since(now - DAY_SECONDS),
        queue=read_queue(now),
        running=tuple(list_running()),
        last_scan=last_scan(),
        scan_errors=tuple(list_scan_errors()),
        deviations=tuple(list_deviations(now)),
    )
