"""Fills a database with made-up functions and runs that look like a week of real work."""

import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from typing import Any

from scheduler.config import Config
from scheduler.db.connection import close_database
from scheduler.db.schema import init_schema

VERBS = (
    "archive", "compact", "export", "import", "notify", "poll", "purge", "rebuild", "reconcile",
    "refresh", "rotate", "score", "send", "sync", "warm",
)  # fmt: skip
PLACES = (
    "accounts/user_sessions", "audit/audit_log", "billing/invoices", "crm/leads", "geo/geo_cache",
    "hooks/webhooks", "market/price_feed", "media/thumbnails", "metrics/metrics", "ops/backups",
    "search/search_index", "shop/orders", "tax/tax_tables",
)  # fmt: skip
INTERVALS = (30.0, 60.0, 60.0, 300.0, 900.0, 3600.0, 3600.0, 21600.0, 86400.0)
ERROR = "502 Bad Gateway for url https://api.rates.example/v2/latest?base=EUR"
TRACEBACK = f"""Traceback (most recent call last):
  File "/srv/app/.venv/lib/python3.11/site-packages/scheduler/runner/call.py", line 88, in execute
    result = function()
  File "/srv/jobs/accounts/user_sessions.py", line 41, in score_user_sessions
    page = client.get(url, timeout=30)
  File "/srv/app/.venv/lib/python3.11/site-packages/httpx/_client.py", line 1054, in get
    return self.request('GET', url, ...)
HTTPError: {ERROR}
"""


@dataclass(frozen=True, slots=True)
class Seed:
    """How much to make up; `now` is the moment the data was taken."""

    now: float
    functions: int = 40
    runs: int = 2000
    workers: int = 4
    seed: int = 7


def make_config(folder: Path, **options: Any) -> Config:
    """Return a configuration for a database in a folder."""
    return Config(
        path=None, scan_paths=(folder / "jobs",), db_path=folder / "scheduler.db", **options
    )


def make_database(config: Config, seed: Seed) -> None:
    """Create the schema and fill it."""
    init_schema(config)
    close_database()
    with writing(config) as connection:
        fill(connection, seed)


@contextmanager
def writing(config: Config) -> Iterator[sqlite3.Connection]:
    """Open a plain connection of one's own, commit and close it."""
    connection = sqlite3.connect(config.db_path)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def fill(connection: Any, seed: Seed) -> None:
    """Insert functions, runs, workers, a scan and two scan errors through a DB-API connection."""
    chance = random.Random(seed.seed)
    processes = _processes(seed)
    _insert(connection, "processes", processes)
    functions = list(_functions(seed, chance))
    _insert(connection, "scheduled_functions", functions)
    _insert(connection, "run_logs", list(_runs(functions, processes, seed, chance)))
    _insert(
        connection,
        "scans",
        [
            {
                "started_at": seed.now - 13,
                "finished_at": seed.now - 12,
                "files": 61,
                "functions": len(functions),
                "errors": 2,
            },
        ],
    )
    _insert(
        connection,
        "scan_errors",
        [
            _scan_error(seed, "old/report.py", "SyntaxError", "invalid syntax", 12),
            _scan_error(
                seed, "ml/train.py", "ModuleNotFoundError", "No module named 'torch'", None
            ),
        ],
    )


def _functions(seed: Seed, chance: random.Random) -> Iterator[dict[str, Any]]:
    for index in range(seed.functions):
        verb = VERBS[index % len(VERBS)]
        place = PLACES[(index // len(VERBS) * 5 + index * 7) % len(PLACES)]
        folder, _, noun = place.partition("/")
        count = index // (len(VERBS) * len(PLACES))
        name = f"{verb}_{noun}" + (f"_{count}" if count else "")
        interval = INTERVALS[index % len(INTERVALS)]
        cron = "0 7 * * MON-FRI" if index % 23 == 11 else None
        last = seed.now - chance.uniform(1, interval)
        yield {
            "id": index + 1, "name": f"{folder}.{name}", "scan_path": "/srv/jobs",
            "module_path": f"{place}.py", "qualname": name, "line": 10 + index % 80,
            "description": f"{verb.capitalize()} the {noun.replace('_', ' ')}.",
            "interval_seconds": None if cron else interval, "anchor_at": seed.now - 10 * interval,
            "cron": cron, "timezone": "Europe/Berlin" if cron else None, "catch_up": "latest",
            "overlap": "skip", "jitter_seconds": 0, "retries": 3 if index % 5 == 0 else 0,
            "retry_delay_seconds": 10, "retry_backoff": 2, "priority": 0, "isolated": False,
            "enabled": True, "state": "active", "next_run_at": last + interval,
            "schedule_since_at": seed.now - 9e5, "source_hash": "x",
            "first_seen_at": seed.now - 9e5,
            "last_seen_at": seed.now - 12, "last_status": "success", "last_started_at": last,
            "last_duration_seconds": chance.lognormvariate(0, 1), "consecutive_failures": 0,
            "paused_at": None, "gone_at": None, **_special(index, seed),
        }  # fmt: skip


def _special(index: int, seed: Seed) -> dict[str, Any]:
    """Every state is somebody's: failing, late, running, queued, new, paused, gone."""
    now = seed.now
    never = {"last_status": None, "last_started_at": None, "last_duration_seconds": None}
    special: dict[int, dict[str, Any]] = {
        0: {
            "last_status": "error", "consecutive_failures": 5, "last_started_at": now - 100,
            "next_run_at": now - 1,
        },
        1: {"last_status": "timeout", "consecutive_failures": 4},
        2: {"last_status": "lost", "consecutive_failures": 1},
        3: {"next_run_at": now - 190},
        4: {"next_run_at": now - 95},
        5: {"last_started_at": now - 14},
        6: {"last_started_at": now - 28},
        8: {**never, "next_run_at": now + 8},
        9: {**never, "next_run_at": now + 8},
        10: {"state": "paused", "paused_at": now - 4000},
        12: {"state": "gone", "gone_at": now - 9000, "next_run_at": None},
        13: {"last_status": "missed"},
    }  # fmt: skip
    return special.get(index, {})


def _runs(
    functions: Sequence[dict[str, Any]],
    processes: Sequence[dict[str, Any]],
    seed: Seed,
    chance: random.Random,
) -> Iterator[dict[str, Any]]:
    workers = [row["id"] for row in processes if row["role"] == "worker"]
    active = [row for row in functions if row["last_status"] is not None]
    ages = sorted((_age(chance) for _ in range(seed.runs)), reverse=True)
    for index, age in enumerate(ages):
        function = active[index % len(active)]
        at = round(seed.now - 3 - age, 3)
        left = (seed.runs - 1 - index) // len(active)
        yield _run(index + 1, function, at, left, workers, chance)
    for offset, function in enumerate(functions[5:7], start=1):
        at = round(seed.now - 14 * offset, 3)
        yield {
            **_run(seed.runs + offset, function, at, 99, workers, chance),
            "status": "running",
            "finished_at": None,
            "error_type": None,
            "error_message": None,
            "traceback": None,
            "result": None,
            "output": "reading page 1\nreading page 2\nreading page 3\n",
            "output_bytes": 45,
        }
    if len(functions) > 7:
        yield {
            **_run(seed.runs + 3, functions[7], round(seed.now - 3, 3), 99, workers, chance),
            "status": "queued",
            "started_at": None,
            "finished_at": None,
            "claimed_by": None,
            "output": None,
            "result": None,
            "error_type": None,
            "error_message": None,
            "traceback": None,
        }


def _age(chance: random.Random) -> float:
    """Return an age within two days; more runs by day than by night."""
    while True:
        age = chance.uniform(0, 2 * 86400)
        if chance.random() < 0.55 - 0.45 * cos((age / 86400 - 0.1) * 2 * pi):
            return age


def _run(
    run_id: int,
    function: dict[str, Any],
    at: float,
    left: int,
    workers: Sequence[str],
    chance: random.Random,
) -> dict[str, Any]:
    """One run; `left`: how many more of this function follow, the last ones failing as it does."""
    queued_at = at + chance.uniform(0.001, 0.02)
    started_at = queued_at + chance.uniform(0.002, 0.09)
    took = chance.lognormvariate(0, 0.8) / 2
    is_bad = left < function["consecutive_failures"] or chance.random() < 0.004
    status = function["last_status"] if is_bad and function["consecutive_failures"] else "success"
    if is_bad and status == "success":
        status = "error"
    is_skipped = not is_bad and chance.random() < 0.01
    if is_skipped:
        return {
            "id": run_id, "function_id": function["id"], "root_id": run_id, "attempt": 1,
            "status": "skipped", "trigger": "schedule", "scheduled_for": at, "covers_from": at - 9,
            "slots": 3, "queued_at": None, "available_at": None, "started_at": None,
            "finished_at": at, "claimed_by": None, "error_type": None, "error_message": None,
            "traceback": None, "reason": "still running", "output": None, "output_bytes": 0,
            "result": None, "cpu_seconds": None, "peak_rss_bytes": None, "sends": 0,
        }  # fmt: skip
    return {
        "id": run_id, "function_id": function["id"], "root_id": run_id, "attempt": 1,
        "status": status, "trigger": "schedule", "scheduled_for": at, "covers_from": at, "slots": 1,
        "queued_at": queued_at, "available_at": queued_at, "started_at": started_at,
        "finished_at": started_at + took, "claimed_by": workers[run_id % len(workers)],
        "error_type": "HTTPError" if is_bad else None, "error_message": ERROR if is_bad else None,
        "traceback": TRACEBACK if is_bad else None, "reason": None,
        "output": "reading page 1\nreading page 2\n412 rows\n", "output_bytes": 39,
        "result": None if is_bad else "412", "cpu_seconds": took / 3, "peak_rss_bytes": 31 << 20,
        "sends": 1,
    }  # fmt: skip


def _processes(seed: Seed) -> list[dict[str, Any]]:
    rows = [_process(seed, "ticker", 0, 0.4)] if seed.workers else []
    for index in range(seed.workers):
        is_lost = index == seed.workers - 1 and seed.workers > 1
        rows.append(_process(seed, "worker", index + 1, 184 if is_lost else 0.5))
    return rows


def _process(seed: Seed, role: str, index: int, silent: float) -> dict[str, Any]:
    return {
        "id": f"{role}-{index:08x}", "role": role, "host": "web-1", "pid": 4120 + index,
        "started_at": seed.now - 86400 + index, "beat": 7, "heartbeat_at": seed.now - silent,
        "slots": 2 if role == "worker" else 0, "state": "running", "detail": None,
    }  # fmt: skip


def _scan_error(
    seed: Seed, path: str, error_type: str, message: str, line: int | None
) -> dict[str, Any]:
    return {
        "path": path, "error_type": error_type, "message": message, "line": line,
        "severity": "error",
        "traceback": f"Traceback (most recent call last):\n{error_type}: {message}\n",
        "first_seen_at": seed.now - 7000, "last_seen_at": seed.now - 12,
    }  # fmt: skip


def _insert(connection: Any, table: str, rows: Sequence[dict[str, Any]]) -> None:
    columns = list(rows[0]) if rows else []
    is_sqlite = isinstance(connection, sqlite3.Connection)
    marks = ", ".join(f":{name}" if is_sqlite else f"%({name})s" for name in columns)
    cursor = connection.cursor()
    if rows:
        cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)
    cursor.close()
