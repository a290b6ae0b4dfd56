"""W8: a million runs in the table: reading them, and deleting half of them under load."""

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from tests.bench.functions import Functions
from tests.bench.grid import Window, lateness_measures, our_numbers
from tests.bench.measuring import time_commands
from tests.bench.stage import ROOT, on_stage, start_ticker, start_worker
from tests.bench.w1 import every_second
from tests.bench.workload import Measure, Numbers, Setting, Workload
from tests.process.service import Service

DAY_SECONDS = 86400.0
RETENTION_DAYS = 30.0
REPEATS = 5
SETTLE_SECONDS = 2.0
COMMANDS = ("status", "list", "runs", "explain")
WHILE = "while deleting: "


def run(setting: Setting) -> Numbers:
    """Fill a database, time the commands, then delete what is old while functions run."""
    keys = {"retention_days": RETENTION_DAYS, "retention_runs_per_function": 1_000_000}
    with on_stage(setting, **keys) as service:
        functions = every_second(setting, str(service.folder / "journal"), 0.01)
        functions.write(service)
        done = service.run("scan")
        assert done.returncode == 0, done.stderr
        _fill(service.database, setting.choose(1_000_000, 60_000))
        numbers = _commands(setting, service)
        start_ticker(service)
        start_worker(service)
        return numbers | _retention(service, functions)


def _commands(setting: Setting, service: Service) -> Numbers:
    ((name,),) = service.rows("SELECT MIN(name) FROM scheduled_functions")
    arguments = {command: [command] for command in COMMANDS} | {"explain": ["explain", name]}
    commands = [service.command(*arguments[command]) for command in COMMANDS]
    taken = time_commands(commands, setting.choose(REPEATS, 1), service.folder)
    return {f"`{command}`": seconds for command, seconds in zip(COMMANDS, taken, strict=True)}


def _retention(service: Service, functions: Functions) -> Numbers:
    time.sleep(SETTLE_SECONDS)
    window_begin = Window.after(0.0, 0.0).begin_at
    time.sleep(max(window_begin - time.time(), 0.0))
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.retention", str(service.folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # At least two seconds, so that a small table has something to look at too.
    window = Window(window_begin, max(Window.after(0.0, 0.0).begin_at, window_begin + 2))
    return {
        "rows deleted": found["deleted"],
        "time to delete them": found["seconds"],
        "longest write transaction": found["longest_ms"],
        "write transactions p99": found["p99_ms"],
        **our_numbers(service, functions, window, WHILE),
    }


def _fill(database: Path, count: int) -> None:
    """Insert runs of the past, half of them older than retention keeps; the service is not up."""
    now = time.time()
    with closing(sqlite3.connect(database)) as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM scheduled_functions")]
        old_at, step = now - 2 * RETENTION_DAYS * DAY_SECONDS, 2 * RETENTION_DAYS * DAY_SECONDS
        at = [round(old_at + step * number / count, 3) for number in range(count)]
        connection.executemany(
            "INSERT INTO run_logs (id, function_id, root_id, attempt, status, trigger, "
            "scheduled_for, covers_from, slots, queued_at, available_at, sent_at, sends, "
            "claimed_by, claimed_at, started_at, finished_at, output, output_bytes, result) "
            "VALUES (?1, ?2, ?1, 1, ?3, 'schedule', ?4, ?4, 1, ?4, ?4, ?4, 1, 'worker', ?4, "
            "?4 + 0.002, ?4 + 0.01, 'a line of output' || char(10), 17, 'None')",
            (
                (
                    number + 1,
                    ids[number % len(ids)],
                    "error" if number % 50 == 0 else "success",
                    at[number],
                )
                for number in range(count)
            ),
        )
        connection.commit()


WORKLOAD = Workload(
    "W8",
    "1,000,000 runs in the table; 500,000 of them deleted while W1b runs",
    (
        *(Measure(f"`{command}`", "s", at_most=0.3) for command in COMMANDS),
        Measure("rows deleted", "rows"),
        Measure("time to delete them", "s"),
        Measure("longest write transaction", "ms", at_most=20),
        Measure("write transactions p99", "ms"),
        *lateness_measures(WHILE, p50_ms=None, p99_ms=20, times_peer=None),
    ),
    run,
)
