"""The tables, as peewee models bound at run time; instants are UTC epoch seconds."""

from peewee import (
    SQL,
    BigAutoField,
    BigIntegerField,
    BooleanField,
    DatabaseProxy,
    DoubleField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from scheduler.statuses import FAILED

database: DatabaseProxy = DatabaseProxy()


class _Table(Model):
    class Meta:
        database = database
        legacy_table_names = False


class ScheduledFunction(_Table):
    """A decorated function, its schedule and its place on the grid.

    gone_at, back_at: its last absence from the code; back_at is null while it is gone.
    """

    id = BigAutoField()
    name = TextField(unique=True)
    scan_path = TextField()
    module_path = TextField()
    qualname = TextField()
    line = IntegerField()
    description = TextField(default="")
    interval_seconds = DoubleField(null=True)
    anchor_at = DoubleField(null=True)
    cron = TextField(null=True)
    timezone = TextField(null=True)
    start = TextField(null=True)
    jitter_seconds = DoubleField(default=0.0)
    catch_up = TextField(default="latest")
    grace_seconds = DoubleField(null=True)
    overlap = TextField(default="skip")
    timeout_seconds = DoubleField(null=True)
    retries = IntegerField(default=0)
    retry_delay_seconds = DoubleField(default=10.0)
    retry_backoff = DoubleField(default=2.0)
    priority = IntegerField(default=0)
    isolated = BooleanField(default=False)
    enabled = BooleanField(default=True)
    state = TextField(default="active")
    next_run_at = DoubleField(null=True)
    paused_at = DoubleField(null=True)
    gone_at = DoubleField(null=True)
    back_at = DoubleField(null=True)
    schedule_since_at = DoubleField()
    pruned_until_at = DoubleField(null=True)
    source_hash = TextField()
    first_seen_at = DoubleField()
    last_seen_at = DoubleField()
    last_status = TextField(null=True)
    last_started_at = DoubleField(null=True)
    last_duration_seconds = DoubleField(null=True)
    consecutive_failures = IntegerField(default=0)

    class Meta:
        table_name = "scheduled_functions"
        indexes = ((("state", "next_run_at"), False),)


class RunLog(_Table):
    """One attempt to run a slot or a manual request; the last attempt is the slot's verdict.

    root_id: the id of the first attempt, its own id for that one.
    available_at: when it may be claimed; null = held until the run before it has ended.
    """

    id = BigAutoField()
    function = ForeignKeyField(ScheduledFunction, column_name="function_id", index=False)
    root_id = BigIntegerField(null=True)
    attempt = IntegerField(default=1)
    status = TextField()
    trigger = TextField()
    scheduled_for = DoubleField()
    covers_from = DoubleField()
    slots = BigIntegerField(default=1)
    queued_at = DoubleField(null=True)
    available_at = DoubleField(null=True)
    sent_at = DoubleField(null=True)
    sends = IntegerField(default=0)
    claimed_by = TextField(null=True)
    claimed_at = DoubleField(null=True)
    started_at = DoubleField(null=True)
    finished_at = DoubleField(null=True)
    error_type = TextField(null=True)
    error_message = TextField(null=True)
    traceback = TextField(null=True)
    exit_code = IntegerField(null=True)
    signal = IntegerField(null=True)
    reason = TextField(null=True)
    output = TextField(null=True)
    output_bytes = BigIntegerField(default=0)
    result = TextField(null=True)
    source_hash = TextField(null=True)
    peak_rss_bytes = BigIntegerField(null=True)
    cpu_seconds = DoubleField(null=True)
    cancel_requested_at = DoubleField(null=True)
    stack_requested_at = DoubleField(null=True)
    stack = TextField(null=True)

    class Meta:
        table_name = "run_logs"
        indexes = (
            (("root_id", "attempt"), True),
            (("function", "id"), False),
        )


# Partial indexes: one slot one row; and each question reads, each change writes only what it needs:
# a run is a start and a finish, and every index that these touch is one more page in the log.
RunLog.add_index(
    RunLog.index(
        RunLog.function,
        RunLog.scheduled_for,
        RunLog.attempt,
        unique=True,
        name="run_logs_slot",
        where=SQL("trigger = 'schedule'"),
    )
)
RunLog.add_index(
    RunLog.index(
        RunLog.function,
        name="run_logs_open",
        where=SQL("status IN ('queued', 'running')"),
    )
)
RunLog.add_index(
    RunLog.index(
        RunLog.function,
        name="run_logs_held",
        where=SQL("status IN ('queued', 'running') AND available_at IS NULL"),
    )
)
RunLog.add_index(
    RunLog.index(
        RunLog.sent_at,
        RunLog.available_at,
        RunLog.claimed_by,
        name="run_logs_queued",
        where=SQL("status = 'queued'"),
    )
)
RunLog.add_index(
    RunLog.index(RunLog.claimed_by, name="run_logs_running", where=SQL("status = 'running'"))
)
RunLog.add_index(
    RunLog.index(RunLog.started_at, name="run_logs_started", where=SQL("started_at IS NOT NULL"))
)
RunLog.add_index(
    RunLog.index(
        RunLog.status,
        RunLog.finished_at,
        name="run_logs_finished",
        where=SQL("finished_at IS NOT NULL"),
    )
)
# The order of the lists (db/run_order.py); a run that goes well is in neither.
RunLog.add_index(
    RunLog.index(
        RunLog.started_at,
        name="run_logs_failed",
        where=SQL(f"status IN {FAILED}"),
    )
)
RunLog.add_index(
    RunLog.index(
        RunLog.scheduled_for,
        name="run_logs_unstarted",
        where=SQL("started_at IS NULL AND finished_at IS NOT NULL"),
    )
)


class ScanError(_Table):
    """A file or scan path that cannot be scanned, or a warning; the row goes when it is mended."""

    path = TextField(primary_key=True)
    error_type = TextField()
    message = TextField()
    traceback = TextField()
    line = IntegerField(null=True)
    severity = TextField()
    first_seen_at = DoubleField()
    last_seen_at = DoubleField()

    class Meta:
        table_name = "scan_errors"


class Scan(_Table):
    """One walk over the scan paths."""

    id = BigAutoField()
    started_at = DoubleField()
    finished_at = DoubleField()
    files = IntegerField()
    functions = IntegerField()
    errors = IntegerField()

    class Meta:
        table_name = "scans"


class Process(_Table):
    """A process of the service. role: ticker, worker, scan; state: running, draining, lost.

    `beat` is a counter that others watch; host, pid and heartbeat_at are for display only.
    """

    id = TextField(primary_key=True)
    role = TextField()
    host = TextField()
    pid = IntegerField()
    started_at = DoubleField()
    beat = BigIntegerField(default=0)
    heartbeat_at = DoubleField()
    slots = IntegerField(default=0)
    state = TextField(default="running")
    detail = TextField(null=True)

    class Meta:
        table_name = "processes"


class Setting(_Table):
    """A fact about the installation: its id, who holds the scan lease."""

    key = TextField(primary_key=True)
    value = TextField()

    class Meta:
        table_name = "settings"


TABLES = (ScheduledFunction, RunLog, ScanError, Scan, Process, Setting)
TABLE_NAMES = frozenset(model._meta.table_name for model in TABLES)
