"""The frozen values the console's reads return; instants in epoch seconds.

What comes by the thousand is a named tuple: it is made ten times as fast as a frozen dataclass, and
equal to the row of the driver as long as nothing changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from scheduler.db.deviation import Deviation
from scheduler.statuses import FAILED
from scheduler.wording import error_line


class FunctionRow(NamedTuple):
    """What the list of functions needs of one: what scans write, then what runs and ticks write."""

    id: int
    name: str
    scan_path: str
    module_path: str
    line: int
    interval_seconds: float | None
    cron: str | None
    grace_seconds: float | None
    last_seen_at: float
    enabled: bool
    state: str
    next_run_at: float | None
    last_status: str | None
    last_started_at: float | None
    last_duration_seconds: float | None
    consecutive_failures: int


class FunctionDetails(NamedTuple):
    """What else is known of a function; read for those on the screen only."""

    description: str
    anchor_at: float | None
    timezone: str | None
    start: str | None
    jitter_seconds: float
    catch_up: str
    overlap: str
    timeout_seconds: float | None
    retries: int
    priority: int
    isolated: bool
    paused_at: float | None


class RunRow(NamedTuple):
    """One attempt, without its long texts; `error_message` is cut."""

    id: int
    function_id: int
    status: str
    trigger: str
    attempt: int
    slots: int
    scheduled_for: float
    covers_from: float
    queued_at: float | None
    available_at: float | None
    started_at: float | None
    finished_at: float | None
    claimed_by: str | None
    error_type: str | None
    error_message: str | None
    reason: str | None
    cancel_requested_at: float | None

    @property
    def shown_at(self) -> float:
        """The time a list shows it at, and orders it by: its start, or what stands for that."""
        if self.status == "queued":
            return self.scheduled_for if self.queued_at is None else self.queued_at
        return self.scheduled_for if self.started_at is None else self.started_at

    @property
    def duration_seconds(self) -> float | None:
        """How long it took, None while it runs or when it never did."""
        if self.started_at is None or self.finished_at is None:
            return None
        return max(self.finished_at - self.started_at, 0.0)

    @property
    def ticker_lateness_seconds(self) -> float | None:
        """From the slot to the queue; a retry and a manual run have no slot of their own."""
        if self.queued_at is None or self.attempt > 1 or self.trigger != "schedule":
            return None
        return max(self.queued_at - self.scheduled_for, 0.0)

    @property
    def held_seconds(self) -> float:
        """How long it had to wait for the run before it, its jitter or its retry delay."""
        if self.queued_at is None or self.available_at is None:
            return 0.0
        return max(self.available_at - self.queued_at, 0.0)

    @property
    def ready_at(self) -> float:
        """Since when it may start: queued, and its time has come; 0 of a row that never waited."""
        return max(self.queued_at or 0.0, self.available_at or 0.0)

    @property
    def queue_wait_seconds(self) -> float | None:
        """From the moment it could start until it did."""
        if self.queued_at is None or self.started_at is None:
            return None
        return max(self.started_at - self.ready_at, 0.0)

    @property
    def error(self) -> str:
        """Why it failed in one line: the error, else the reason; "" if it did not fail."""
        return _error(self.status, self.error_type, self.error_message, self.reason)


@dataclass(frozen=True, slots=True)
class RunDetails:
    """One attempt in full, and all attempts of the same run, oldest first."""

    run: RunRow
    attempts: tuple[RunRow, ...]
    root_id: int | None
    error_message: str | None
    traceback: str | None
    exit_code: int | None
    signal: int | None
    output: str | None
    output_bytes: int
    result: str | None
    peak_rss_bytes: int | None
    cpu_seconds: float | None
    stack_requested_at: float | None
    stack: str | None


@dataclass(frozen=True, slots=True)
class RunPage:
    """A window of runs, newest first, and the ids and times at both ends of the whole list."""

    runs: tuple[RunRow, ...] = ()
    oldest_id: int | None = None
    newest_id: int | None = None
    oldest_at: float = 0.0
    newest_at: float = 0.0


class Mark(NamedTuple):
    """One finished run in a function's history."""

    status: str
    started_at: float | None
    finished_at: float | None
    error_type: str | None
    error_message: str | None
    reason: str | None

    @property
    def error(self) -> str:
        """Why it failed in one line: the error, else the reason; "" if it did not fail."""
        return _error(self.status, self.error_type, self.error_message, self.reason)


@dataclass(frozen=True, slots=True)
class Queued:
    """A function's queued attempts: all, those that may start now; the highest number.

    oldest_ready_at: since when the first of them may start, or from when on.
    attempt: of what may not start yet, 1 waits for its time and a later one is a retry.
    """

    count: int
    ready: int
    oldest_ready_at: float | None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class ScanErrorRow:
    """A file that cannot be scanned, or one that does too much when it is imported."""

    path: str
    error_type: str
    message: str
    traceback: str
    line: int | None
    severity: str  # error | warning
    first_seen_at: float
    last_seen_at: float

    @property
    def is_warning(self) -> bool:
        """Whether the functions of the file run nevertheless."""
        return self.severity == "warning"


@dataclass(frozen=True, slots=True)
class ScanRow:
    """The newest scan."""

    started_at: float
    finished_at: float
    files: int
    functions: int
    errors: int


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """A process of the service; heartbeat_at is by its own clock, for display only."""

    id: str
    role: str
    host: str
    pid: int
    started_at: float
    heartbeat_at: float
    slots: int
    state: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """The last 24 hours; `hourly` is oldest first and at most 30 s old."""

    runs_24h: int = 0
    failed_24h: int = 0
    hourly: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """What the first screen needs, taken at one moment.

    functions: in the order of their names; counts None: not counted yet.
    deviations: at most 30 s old, as the counts.
    """

    taken_at: float
    functions: tuple[FunctionRow, ...] = ()
    running: tuple[RunRow, ...] = ()
    queued: Mapping[int, Queued] = field(default_factory=dict)
    processes: tuple[ProcessRow, ...] = ()
    scan_errors: tuple[ScanErrorRow, ...] = ()
    last_scan: ScanRow | None = None
    counts: Counts | None = None
    deviations: tuple[Deviation, ...] = ()


def _error(status: str, kind: str | None, message: str | None, reason: str | None) -> str:
    if status not in FAILED:
        return ""
    return error_line(kind, message) or reason or ""
