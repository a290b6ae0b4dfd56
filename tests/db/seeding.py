"""Puts functions and runs into a database as they are, through the models, for tests of reading."""

from typing import Any

from scheduler.models import Process, RunLog, ScanError, ScheduledFunction

NOW = 1_800_000_000.0


def seed_function(name: str = "reports.send", **columns: Any) -> int:
    """Insert a function, every 60 s since NOW unless told otherwise; return its id."""
    is_cron = "cron" in columns
    defaults: dict[str, Any] = {
        "scan_path": "/functions",
        "module_path": "reports.py",
        "qualname": "send",
        "line": 1,
        "interval_seconds": None if is_cron else 60.0,
        "anchor_at": None if is_cron else NOW,
        "timezone": "UTC",
        "next_run_at": NOW,
        "schedule_since_at": NOW,
        "source_hash": "hash",
        "first_seen_at": NOW,
        "last_seen_at": NOW,
    }
    return int(ScheduledFunction.create(name=name, **{**defaults, **columns}).id)


def seed_run(function_id: int, status: str = "success", at: float = NOW, **columns: Any) -> int:
    """Insert a run of the slot `at`, started 0.1 s later and taking 5 s; return its id."""
    defaults: dict[str, Any] = {
        "trigger": "schedule",
        "scheduled_for": at,
        "covers_from": at,
        "queued_at": at,
    }
    if status not in {"queued", "skipped", "missed"}:
        defaults |= {"available_at": at, "claimed_by": "worker-1", "started_at": at + 0.1}
    if status not in {"queued", "running"}:
        defaults["finished_at"] = at + 5.1
    run = RunLog.create(function=function_id, status=status, **{**defaults, **columns})
    if run.root_id is None:
        RunLog.update(root_id=run.id).where(RunLog.id == run.id).execute()
    return int(run.id)


def seed_process(role: str, at: float = NOW, **columns: Any) -> str:
    """Insert a process whose last heartbeat was `at`; return its id."""
    defaults: dict[str, Any] = {
        "id": f"{role}-1",
        "host": "host",
        "pid": 7,
        "started_at": at - 60,
        "heartbeat_at": at,
        "slots": 4 if role == "worker" else 0,
    }
    process_id = {**defaults, **columns}["id"]
    Process.create(role=role, **{**defaults, **columns})
    return str(process_id)


def seed_scan_error(path: str = "/functions/bad.py", at: float = NOW, **columns: Any) -> None:
    """Insert a syntax error, or what the columns say."""
    usual: dict[str, Any] = {
        "error_type": "SyntaxError",
        "message": "invalid syntax",
        "traceback": '  File "bad.py", line 3\n    def x(:\nSyntaxError: invalid syntax\n',
        "line": 3,
        "severity": "error",
    }
    ScanError.create(path=path, first_seen_at=at, last_seen_at=at, **{**usual, **columns})
