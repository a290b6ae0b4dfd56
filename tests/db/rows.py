"""Short ways to put functions and runs into a test's database and to look at them."""

from collections.abc import Callable
from typing import Any

from scheduler.db import ticks
from scheduler.db.claims import ClaimedRun, claim_and_start
from scheduler.db.due import fetch_due_functions
from scheduler.db.retention import OldRuns
from scheduler.db.statements import change, rows, transaction
from scheduler.db.upserts import upsert_functions
from scheduler.decorators import ScheduleSpec
from scheduler.models import database
from scheduler.policy import decide
from scheduler.runner.inspection import FoundFunction
from scheduler.testing import SettableClock

NOW = 1_800_000_000.0
WORKER = "worker-1"


def found(name: str = "reports.send", **spec: Any) -> FoundFunction:
    """Return a function as a scan finds it, every 60 s unless told otherwise."""
    if not spec.get("cron"):
        spec.setdefault("interval_seconds", 60.0)
    return FoundFunction(
        name=name,
        scan_path="/functions",
        module_path="reports.py",
        qualname="send",
        line=1,
        description="",
        source_hash="hash",
        spec=ScheduleSpec(**spec),
    )


def discover(*names: str, now: float = NOW, **spec: Any) -> None:
    """Put functions into the table that a scan found at `now`."""
    upsert_functions([found(name, **spec) for name in names], timezone="UTC", now=now)


def tick(now: float) -> list[tuple[int, int]]:
    """Decide and record what is due at `now`; return the messages."""
    due = fetch_due_functions(now)
    _, sends = ticks.record_tick([(function, decide(function, now)) for function in due], now)
    return [message for messages in sends.values() for message in messages]


def run_one(now: float, worker: str = WORKER) -> ClaimedRun:
    """Tick, claim the only message and start it."""
    ((run_id, _),) = tick(now)
    return start_run(run_id, now, worker)


def start_run(run_id: int, now: float, worker: str = WORKER) -> ClaimedRun:
    """Claim and start one run."""
    claimed, _ = claim_and_start(run_id, worker, now)
    assert claimed is not None
    return claimed


def insert_finished(count: int, *, function_id: int = 1) -> None:
    """Insert successful runs of a function, their slots a second apart, long before NOW."""
    with transaction():
        change(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO run_logs (id, function_id, root_id, attempt, status, trigger, "
            "scheduled_for, covers_from, slots, started_at, finished_at, sends, output_bytes) "
            "SELECT last.id + i, CAST(? AS INTEGER), last.id + i, 1, 'success', 'schedule', "
            "last.id + i, last.id + i, 1, last.id + i, last.id + i, 0, 0 "
            "FROM n, (SELECT COALESCE(MAX(id), 0) AS id FROM run_logs) AS last",
            [count, function_id],
        )


def delete_old_runs(before: float, runs_per_function: int) -> int:
    """Let retention delete all that it may; return how many rows went."""
    old_runs = OldRuns(before=before, runs_per_function=runs_per_function, clock=SettableClock())
    return sum(iter(old_runs.delete_batch, None))


def runs(*columns: str) -> list[tuple[Any, ...]]:
    """Return columns of all runs in the order of their ids."""
    return rows(f"SELECT {', '.join(columns)} FROM run_logs ORDER BY id")


def one(sql: str, *params: Any) -> Any:
    """Return the only value of the only row."""
    ((value,),) = rows(sql, params)
    return value


def count_steps(work: Callable[[], object]) -> int:
    """Return the instructions that SQLite executes for some work, give or take 10; undo it."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 10
        return 0

    database.connection().set_progress_handler(count, 10)
    try:
        with transaction():
            work()
            raise InterruptedError
    except InterruptedError:
        return steps
    finally:
        database.connection().set_progress_handler(None, 0)
