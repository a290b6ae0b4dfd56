"""Every example does what it says, called directly; and all of them together, under the service."""

import asyncio
import csv
import json
import os
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from scheduler.runner.loading import load_function
from tests.docs.readme import code, table

_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
_SCHEDULER = [sys.executable, "-m", "scheduler"]
_WITHIN_SECONDS = 90
_STATES = """
SELECT DISTINCT f.name, r.status
FROM run_logs r JOIN scheduled_functions f ON f.id = r.function_id
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the examples write to instead of examples/data."""
    monkeypatch.setenv("EXAMPLES_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy of the examples with a data folder of its own; its configuration."""
    copy = tmp_path / "examples"
    shutil.copytree(_EXAMPLES, copy, ignore=shutil.ignore_patterns("data", "__pycache__"))
    (copy / "data").mkdir()
    return copy / "scheduler.toml"


def test_the_watch_appends_one_line_each_time_below_one_heading(data: Path) -> None:
    watch = _example("machine/watch.py", "disk_and_load")

    watch()
    watch()

    heading, *rows = csv.reader((data / "watch.csv").read_text().splitlines())
    assert heading == ["at", "load_1m", "disk_used_percent", "disk_free_gb"]
    assert len(rows) == 2
    assert all(float(number) >= 0 for row in rows for number in row[1:])


def test_the_check_records_status_and_time_and_leaves_no_thread(data: Path) -> None:
    threads = threading.active_count()

    assert _example("machine/website.py", "check_local_site")() == 200

    [(status, milliseconds)] = _query(data / "checks.db", "SELECT status, ms FROM checks")
    assert status == 200
    assert milliseconds > 0
    assert threading.active_count() == threads


def test_the_backup_is_a_whole_database_and_the_newest_five_are_kept(data: Path) -> None:
    _example("machine/website.py", "check_local_site")()
    for day in range(1, 8):
        _write(data / "backups" / f"checks-2001010{day}T000000.db", "old")

    name = _example("machine/backup.py", "back_up_checks")()

    kept = sorted(path.name for path in (data / "backups").iterdir())
    assert kept == [f"checks-2001010{day}T000000.db" for day in (4, 5, 6, 7)] + [name]
    assert _query(data / "backups" / name, "SELECT count(*) FROM checks") == [(1,)]


def test_the_backup_waits_for_something_to_back_up(data: Path) -> None:
    assert _example("machine/backup.py", "back_up_checks")() == "nothing to back up yet"


def test_the_cleanup_deletes_what_is_old_and_nothing_else(data: Path) -> None:
    old, new = data / "reports" / "old.txt", data / "reports" / "new.txt"
    _write(old, "old")
    _write(new, "new")
    an_hour_ago = new.stat().st_mtime - 3600
    os.utime(old, (an_hour_ago, an_hour_ago))

    assert _example("machine/cleanup.py", "delete_old_reports")() == 1
    assert list((data / "reports").iterdir()) == [new]


def test_the_survey_finds_a_port_that_is_open(data: Path) -> None:
    with socket.socket() as listener:
        with suppress(OSError):  # somebody else has it: then it is open as well
            listener.bind(("127.0.0.1", 8080))
            listener.listen()
        found = asyncio.run(_example("machine/ports.py", "survey_ports")())

    assert 8080 in found
    assert [int(port) for port in json.loads((data / "ports.json").read_text())] == found


def test_a_scan_finds_every_example_of_their_readme(examples: Path) -> None:
    documented = [code(cells[0])[0] for cells in table((_EXAMPLES / "README.md").read_text())]
    said = _scheduler("scan", examples)
    database = examples.parent / "data" / "scheduler.db"

    found = [name for (name,) in _query(database, "SELECT name FROM scheduled_functions")]
    assert sorted(found) == sorted(documented)
    assert f"discovered {len(found)} scheduled function(s)" in said


def test_the_reports_count_what_is_in_the_record(
    examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _scheduler("scan", examples)
    monkeypatch.setenv("EXAMPLES_DATA", str(examples.parent / "data"))
    database = examples.parent / "data" / "scheduler.db"
    _record_a_success(database, "watch.disk_and_load", seconds=0.25)

    for period, function in (("hour", "last_hour"), ("day", "last_day")):
        name = _example("reports/nightly/report.py", function)()

        _, line = (database.parent / "reports" / name).read_text().splitlines()
        assert line.split() == ["watch.disk_and_load", "success", "1", "0.250s"]
        assert name.startswith(f"{period}-")


def test_the_service_shows_a_newcomer_every_state(examples: Path) -> None:
    expected = {
        "watch.disk_and_load": {"success"},
        "website.check_local_site": {"success"},
        "backup.back_up_checks": {"success"},
        "cleanup.delete_old_reports": {"success"},
        "ports.survey_ports": {"success"},
        "states.fails_and_retries": {"error"},
        "states.takes_long": {"running", "skipped"},
        "states.runs_into_its_timeout": {"timeout"},
        "states.is_replaced_by_its_next_run": {"cancelled", "running"},
        "states.is_killed": {"lost"},
        "states.is_missed_after_downtime": {"success"},
    }
    database = examples.parent / "data" / "scheduler.db"

    seen: defaultdict[str, set[str]] = defaultdict(set)

    with _service(examples) as service:
        deadline = time.monotonic() + _WITHIN_SECONDS
        while (missing := _note_states(database, seen, expected)) and time.monotonic() < deadline:
            assert service.poll() is None
            select.select([], [], [], 0.2)
        service.send_signal(signal.SIGINT)
        assert service.wait(_WITHIN_SECONDS) == 0

    assert missing == {}


def _example(file: str, function: str) -> Callable[[], Any]:
    scan_path, _, module_path = file.partition("/")
    return load_function(str(_EXAMPLES / scan_path), module_path, function)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def _query(database: Path, sql: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(database)) as connection, connection:
        return connection.execute(sql, values).fetchall()


def _record_a_success(database: Path, name: str, *, seconds: float) -> None:
    now = time.time()
    [(function_id,)] = _query(database, "SELECT id FROM scheduled_functions WHERE name = ?", name)
    row: dict[str, Any] = {
        "function_id": function_id,
        "attempt": 1,
        "status": "success",
        "trigger": "schedule",
        "scheduled_for": now,
        "covers_from": now,
        "slots": 1,
        "sends": 1,
        "output_bytes": 0,
        "started_at": now,
        "finished_at": now + seconds,
    }
    places = ", ".join("?" * len(row))
    _query(database, f"INSERT INTO run_logs ({', '.join(row)}) VALUES ({places})", *row.values())


def _scheduler(command: str, config: Path) -> str:
    arguments = [*_SCHEDULER, command, "--config", str(config)]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


@contextmanager
def _service(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `scheduler run` in a session of its own, with little patience for what will not end."""
    environ = {**os.environ, "SCHEDULER_SHUTDOWN_GRACE_SECONDS": "1"}
    environ.pop("EXAMPLES_DATA", None)
    command = [*_SCHEDULER, "run", "--config", str(config)]
    service = subprocess.Popen(command, env=environ, start_new_session=True)
    try:
        yield service
    finally:
        service.kill()
        service.wait()


def _note_states(
    database: Path, seen: dict[str, set[str]], expected: dict[str, set[str]]
) -> dict[str, set[str]]:
    """Add the states in the record to those seen before; return what was not seen yet."""
    with suppress(sqlite3.OperationalError):  # the database is not there yet
        for name, status in _query(database, _STATES):
            seen[name].add(status)
    return {name: rest for name, wanted in expected.items() if (rest := wanted - seen[name])}
