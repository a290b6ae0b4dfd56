"""The tables of version 0.1; a frozen copy, never changed after a release."""

from peewee import (
    SQL,
    BigAutoField,
    BigIntegerField,
    BooleanField,
    Database,
    DoubleField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)


def up(migrator: object, db: Database) -> None:
    class ScheduledFunction(Model):
        id = BigAutoField()
        name = TextField(unique=True)
        scan_path = TextField()
        module_path = TextField()
        qualname = TextField()
        line = IntegerField()
        description = TextField()
        interval_seconds = DoubleField(null=True)
        anchor_at = DoubleField(null=True)
        cron = TextField(null=True)
        timezone = TextField(null=True)
        start = TextField(null=True)
        jitter_seconds = DoubleField()
        catch_up = TextField()
        grace_seconds = DoubleField(null=True)
        overlap = TextField()
        timeout_seconds = DoubleField(null=True)
        retries = IntegerField()
        retry_delay_seconds = DoubleField()
        retry_backoff = DoubleField()
        priority = IntegerField()
        isolated = BooleanField()
        enabled = BooleanField()
        state = TextField()
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
        consecutive_failures = IntegerField()

        class Meta:
            database = db
            table_name = "scheduled_functions"
            legacy_table_names = False
            indexes = ((("state", "next_run_at"), False),)

    class RunLog(Model):
        id = BigAutoField()
        function = ForeignKeyField(ScheduledFunction, column_name="function_id", index=False)
        root_id = BigIntegerField(null=True)
        attempt = IntegerField()
        status = TextField()
        trigger = TextField()
        scheduled_for = DoubleField()
        covers_from = DoubleField()
        slots = BigIntegerField()
        queued_at = DoubleField(null=True)
        available_at = DoubleField(null=True)
        sent_at = DoubleField(null=True)
        sends = IntegerField()
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
        output_bytes = BigIntegerField()
        result = TextField(null=True)
        source_hash = TextField(null=True)
        peak_rss_bytes = BigIntegerField(null=True)
        cpu_seconds = DoubleField(null=True)
        cancel_requested_at = DoubleField(null=True)
        stack_requested_at = DoubleField(null=True)
        stack = TextField(null=True)

        class Meta:
            database = db
            table_name = "run_logs"
            legacy_table_names = False
            indexes = (
                (("root_id", "attempt"), True),
                (("function", "id"), False),
            )

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
        RunLog.index(
            RunLog.started_at, name="run_logs_started", where=SQL("started_at IS NOT NULL")
        )
    )
    RunLog.add_index(
        RunLog.index(
            RunLog.status,
            RunLog.finished_at,
            name="run_logs_finished",
            where=SQL("finished_at IS NOT NULL"),
        )
    )
    RunLog.add_index(
        RunLog.index(
            RunLog.started_at,
            name="run_logs_failed",
            where=SQL("status IN ('error', 'timeout', 'lost')"),
        )
    )
    RunLog.add_index(
        RunLog.index(
            RunLog.scheduled_for,
            name="run_logs_unstarted",
            where=SQL("started_at IS NULL AND finished_at IS NOT NULL"),
        )
    )

    class ScanError(Model):
        path = TextField(primary_key=True)
        error_type = TextField()
        message = TextField()
        traceback = TextField()
        line = IntegerField(null=True)
        severity = TextField()
        first_seen_at = DoubleField()
        last_seen_at = DoubleField()

        class Meta:
            database = db
            table_name = "scan_errors"
            legacy_table_names = False

    class Scan(Model):
        id = BigAutoField()
        started_at = DoubleField()
        finished_at = DoubleField()
        files = IntegerField()
        functions = IntegerField()
        errors = IntegerField()

        class Meta:
            database = db
            table_name = "scans"
            legacy_table_names = False

    class Process(Model):
        id = TextField(primary_key=True)
        role = TextField()
        host = TextField()
        pid = IntegerField()
        started_at = DoubleField()
        beat = BigIntegerField()
        heartbeat_at = DoubleField()
        slots = IntegerField()
        state = TextField()
        detail = TextField(null=True)

        class Meta:
            database = db
            table_name = "processes"
            legacy_table_names = False

    class Setting(Model):
        key = TextField(primary_key=True)
        value = TextField()

        class Meta:
            database = db
            table_name = "settings"
            legacy_table_names = False

    db.create_tables([ScheduledFunction, RunLog, ScanError, Scan, Process, Setting])
