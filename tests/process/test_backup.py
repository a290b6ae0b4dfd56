"""A backup of a database that is being written, and a service that goes on from it."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from scheduler.cli import main
from tests.needs import need
from tests.process.backends import ON_SERVERS, Backend
from tests.process.service import Service, stop
from tests.process.slots import gapless

BUSY = """
@schedule(timedelta(seconds=0.05))
def often():
    print("x" * 5000)

@schedule(timedelta(seconds=600))
def long():
    time.sleep(600)
"""
DONE = "SELECT 1 FROM run_logs WHERE status = 'success'"
LONG = "function_id = (SELECT id FROM scheduled_functions WHERE name = 'busy.long')"
RUNNING = "SELECT id FROM run_logs WHERE status = 'running'"


def start_busy(make_service: Callable[..., Service]) -> tuple[Service, subprocess.Popen[bytes]]:
    """Start a service; return it and its process once it has done some runs and is amid others."""
    service = make_service(heartbeat_seconds=0.5, dead_after_seconds=3, shutdown_grace_seconds=0)
    service.write("busy.py", BUSY)
    process = service.start("run")
    service.wait_rows(DONE, at_least=20)
    service.wait_rows("SELECT 1 FROM run_logs WHERE status = 'running' AND output IS NULL")
    return service, process


def test_a_backup_of_a_busy_service_is_whole_and_a_service_goes_on_from_it(
    make_service: Callable[..., Service],
) -> None:
    service, process = start_busy(make_service)
    backup = service.folder / "backup.db"
    done = service.run("backup", "backup.db")
    assert (done.returncode, done.stderr) == (0, "")
    assert backup.stat().st_mode & 0o777 == 0o600
    service.wait_rows(DONE, at_least=len(service.rows(DONE)) + 5)
    assert stop(process) == 0

    in_backup, still_running = look_into(backup)
    _restore(service, backup)
    process = service.start("run")
    service.wait_rows(DONE, at_least=in_backup + 5)
    (was_long,) = still_running
    service.wait_rows("SELECT 1 FROM run_logs WHERE id = ? AND status = 'lost'", was_long)
    assert stop(process) == 0
    gapless(service, "busy.often", 0.05)
    look_into(service.database)


def test_a_backup_overwrites_nothing(service: Service) -> None:
    service.write("busy.py", BUSY)
    assert service.run("scan").returncode == 0
    there = service.folder / "there"
    there.write_text("precious")
    done = service.run("backup", "there")
    assert (done.returncode, done.stdout) == (1, "")
    assert "exists already" in done.stderr
    assert there.read_text() == "precious"
    assert [path.name for path in service.folder.glob("there*")] == ["there"]


def test_the_backup_of_postgresql_is_left_to_its_own_tool(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {
        "SCHEDULER_SCAN_PATHS": str(tmp_path),
        "SCHEDULER_DATABASE_URL": "postgresql://me:secret@host/record",
    }
    assert main(["backup", str(tmp_path / "file")], environ) == 2
    said = capsys.readouterr().err
    dump = f"pg_dump --format=custom --file={tmp_path / 'file'} postgresql://me@host/record"
    assert said.endswith(f"; {dump}\n")
    assert "secret" not in said


@ON_SERVERS
def test_a_dump_of_a_busy_postgresql_is_whole_and_a_service_goes_on_from_it(
    make_service: Callable[..., Service], backend: Backend
) -> None:
    service, process = start_busy(make_service)
    dump, url = f"--file={service.folder / 'record.dump'}", str(backend.database_url)
    subprocess.run([need("pg_dump"), "--format=custom", dump, url], check=True)
    service.wait_rows(DONE, at_least=len(service.rows(DONE)) + 5)
    assert stop(process) == 0

    restore = [need("pg_restore"), "--clean", "--if-exists", f"--dbname={url}"]
    subprocess.run([*restore, str(service.folder / "record.dump")], check=True)
    in_dump = len(service.rows(DONE))
    ((was_long,),) = service.rows(f"{RUNNING} AND {LONG}")
    process = service.start("run")
    service.wait_rows(DONE, at_least=in_dump + 5)
    service.wait_rows("SELECT 1 FROM run_logs WHERE id = ? AND status = 'lost'", was_long)
    assert stop(process) == 0
    gapless(service, "busy.often", 0.05)


def look_into(database: Path) -> tuple[int, list[int]]:
    """Return how many runs have succeeded and which ones run by a database, which must be sound."""
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return (
            len(connection.execute(DONE).fetchall()),
            [run_id for (run_id,) in connection.execute(f"{RUNNING} AND {LONG}")],
        )


def _restore(service: Service, backup: Path) -> None:
    """Do what docs/operating.md says, after the service was stopped."""
    for file in service.folder.glob("scheduler*.db*"):
        if file.is_file():
            file.unlink()
    shutil.copy(backup, service.database)
