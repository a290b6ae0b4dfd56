"""The frozen values that text commands read, and their JSON; instants in epoch seconds."""

from dataclasses import dataclass

from scheduler.statuses import FINAL


@dataclass(frozen=True, slots=True)
class FunctionReport:
    """A scheduled function with what of it is open now; the JSON of `scheduler list`.

    gone_at, back_at: its last absence from the code; back_at is None while it is gone.
    """

    id: int
    name: str
    state: str
    scan_path: str
    module_path: str
    qualname: str
    line: int
    description: str
    interval_seconds: float | None
    anchor_at: float | None
    cron: str | None
    timezone: str | None
    start: str | None
    jitter_seconds: float
    catch_up: str
    grace_seconds: float | None
    overlap: str
    timeout_seconds: float | None
    retries: int
    priority: int
    isolated: bool
    enabled: bool
    next_run_at: float | None
    paused_at: float | None
    gone_at: float | None
    back_at: float | None
    schedule_since_at: float
    pruned_until_at: float | None
    first_seen_at: float
    last_seen_at: float
    last_status: str | None
    last_started_at: float | None
    last_duration_seconds: float | None
    consecutive_failures: int
    running: int
    queued: int


@dataclass(frozen=True, slots=True)
class RunReport:
    """One attempt without its long texts; the JSON of `scheduler runs`."""

    id: int
    name: str
    status: str
    trigger: str
    attempt: int
    root_id: int | None
    scheduled_for: float
    covers_from: float
    slots: int
    queued_at: float | None
    available_at: float | None
    claimed_by: str | None
    claimed_at: float | None
    started_at: float | None
    finished_at: float | None
    error_type: str | None
    error_message: str | None
    exit_code: int | None
    signal: int | None
    reason: str | None
    cancel_requested_at: float | None

    @property
    def shown_at(self) -> float:
        """The time a list shows it at, and orders it by: its start, or what stands for that."""
        if self.status == "queued":
            return self.scheduled_for if self.queued_at is None else self.queued_at
        return self.scheduled_for if self.started_at is None else self.started_at

    @property
    def ready_at(self) -> float:
        """Since when it may start: queued, and its time has come; 0 of a row that never waited."""
        return max(self.queued_at or 0.0, self.available_at or 0.0)

    @property
    def duration_seconds(self) -> float | None:
        """How long it took; None unless it has started and ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return max(0.0, self.finished_at - self.started_at)

    @property
    def is_final(self) -> bool:
        """Whether it has its verdict."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class RunTexts:
    """The long texts and measurements of one attempt."""

    traceback: str | None
    output: str | None
    output_bytes: int
    result: str | None
    source_hash: str | None
    peak_rss_bytes: int | None
    cpu_seconds: float | None
    stack: str | None
    stack_requested_at: float | None


@dataclass(frozen=True, slots=True)
class ScanErrorReport:
    """A file or scan path that cannot be scanned, or a warning; the JSON of `scheduler errors`."""

    path: str
    error_type: str
    message: str
    traceback: str
    line: int | None
    severity: str  # error | warning
    first_seen_at: float
    last_seen_at: float


@dataclass(frozen=True, slots=True)
class ScanReport:
    """One walk over the scan paths."""

    started_at: float
    finished_at: float
    files: int
    functions: int
    errors: int


@dataclass(frozen=True, slots=True)
class QueueReport:
    """The open attempts: `waiting` may start now, `held` waits for the run before it, `delayed`
    for its time (a retry, jitter)."""

    waiting: int
    held: int
    delayed: int
    running: int
    oldest_waiting_at: float | None
