"""Bad surroundings: the service says what is wrong, does what it can, and recovers by itself."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.needs import skip
from tests.process.backends import ALL_BACKENDS
from tests.process.service import Service, stop, wait_for
from tests.process.steady import KEYS, PULSE, assert_recovered, goes_on, is_healthy, says

Mount = Callable[..., None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Return what mounts a folder; skips the test where that is not permitted."""
    mounted: list[Path] = []

    def call(folder: Path, *arguments: str) -> None:
        command = ["mount", *arguments, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            skip(f"mounting is not permitted here: {done.stderr.strip()}")
        if folder not in mounted:
            mounted.append(folder)

    yield call
    for folder in reversed(mounted):
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def set_immutable() -> Iterator[Callable[[Path, bool], None]]:
    """Return what takes from everybody, or gives back, the right to write to a file."""
    touched: set[Path] = set()

    def call(file: Path, is_immutable: bool) -> None:
        command = ["chattr", "+i" if is_immutable else "-i", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            skip(f"chattr is not permitted here: {done.stderr.strip()}")
        touched.add(file)

    yield call
    for file in touched:
        subprocess.run(["chattr", "-i", str(file)], check=False, capture_output=True)


def fill(file: Path) -> None:
    with suppress(OSError), file.open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass


def test_a_full_disk_is_told_and_slots_get_their_verdicts_when_there_is_space(
    make_service: Callable[..., Service], mount: Mount
) -> None:
    service = make_service(db_path="disk/scheduler.db", **KEYS)
    disk = service.folder / "disk"
    disk.mkdir()
    mount(disk, "-t", "tmpfs", "-o", "size=8m", "tmpfs")
    service.database = disk / "scheduler.db"
    service.write("steady.py", PULSE)
    service.start("run")
    goes_on(service)
    filler = disk / "filler"
    fill(filler)
    says(service, "disk is full; free some space")
    wait_for(lambda: not is_healthy(service), "health to notice")
    assert "is full" in service.run("status").stdout
    filler.unlink()
    assert_recovered(service)


def test_a_read_only_folder_is_refused_at_the_start(
    make_service: Callable[..., Service], mount: Mount
) -> None:
    service = make_service(db_path="disk/scheduler.db", **KEYS)
    disk = service.folder / "disk"
    disk.mkdir()
    mount(disk, "-t", "tmpfs", "-o", "ro", "tmpfs")
    refused = service.run("run")
    assert refused.returncode == 2
    assert "db_path: " in refused.stderr
    assert f"{disk} is not writable" in refused.stderr


def test_files_that_become_read_only_while_running_are_told_and_work_goes_on_when_they_are_not(
    steady: Service, set_immutable: Callable[[Path, bool], None]
) -> None:
    steady.start("run")
    goes_on(steady)
    log = steady.database.with_name("scheduler.db-wal")
    set_immutable(log, True)
    says(steady, "scheduler.db: ")
    wait_for(lambda: not is_healthy(steady), "health to notice")
    set_immutable(log, False)
    assert_recovered(steady)


def test_a_stop_that_cannot_be_written_down_still_lets_what_runs_finish(
    make_service: Callable[..., Service], set_immutable: Callable[[Path, bool], None]
) -> None:
    service = make_service(shutdown_grace_seconds=5)
    service.write(
        "slow.py",
        """
from pathlib import Path

@schedule(timedelta(hours=1))
def slow():
    print("begun", flush=True)
    time.sleep(3)
    Path(__file__).with_name("finished").touch()
""",
    )
    run = service.start("run")
    service.wait_rows("SELECT 1 FROM run_logs WHERE output LIKE 'begun%'")
    log = service.database.with_name("scheduler.db-wal")
    set_immutable(log, True)
    assert stop(run) == 0
    set_immutable(log, False)
    assert (service.functions / "finished").exists()
    assert 'verdicts="1 success"' in service.read_log()
    assert "run.left run_id=1" in service.read_log()
    assert service.living() == []
    service.start("run")
    service.wait_rows("SELECT 1 FROM run_logs WHERE status = 'lost'")


def test_a_newer_schema_stops_the_service_until_it_is_gone(steady: Service) -> None:
    steady.start("run")
    goes_on(steady)
    with closing(sqlite3.connect(steady.database, timeout=30)) as connection, connection:
        connection.execute(
            "INSERT INTO schema_migration (name, applied) VALUES ('9999_future', '2030-01-01')"
        )
    says(steady, "upgrade this scheduler")
    says(steady, "role=worker pid")
    assert 'ended="exit code 1"' in steady.read_log()
    wait_for(lambda: not steady.pids("worker"), "the worker to leave")
    refused = steady.run("status")
    assert (refused.returncode, "9999_future" in refused.stderr) == (1, True)
    with closing(sqlite3.connect(steady.database, timeout=30)) as connection, connection:
        connection.execute("DELETE FROM schema_migration WHERE name = '9999_future'")
    assert_recovered(steady)


@ALL_BACKENDS
@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=pytest.mark.full)])
def test_after_a_sleep_of_the_whole_machine_work_goes_on(steady: Service, seconds: float) -> None:
    steady.start("run")
    goes_on(steady)
    asleep = steady.living()
    for pid in asleep:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    for pid in asleep:
        with suppress(ProcessLookupError):  # who wakes first may end others
            os.kill(pid, signal.SIGCONT)
    assert_recovered(steady)
    assert "declared_dead" not in steady.read_log()


@ALL_BACKENDS
def test_two_hundred_functions_due_while_all_slots_hang_run_once_each_when_one_is_free(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(**KEYS)
    hang = """
@schedule(timedelta(hours=1), timeout=timedelta(seconds=5))
def hang_{0}():
    print("begun", flush=True)
    time.sleep(600)
"""
    service.write("hang.py", "".join(hang.format(number) for number in range(2)))
    service.start("run")
    service.wait_rows("SELECT 1 FROM run_logs WHERE output LIKE 'begun%'", at_least=2)
    one = "\n@schedule(timedelta(hours=1))\ndef f{0}(): return {0}\n"
    service.write("many.py", "".join(one.format(number) for number in range(200)))
    service.wait_rows("SELECT 1 FROM run_logs WHERE status = 'queued'", at_least=200)
    assert is_healthy(service)
    service.wait_rows("SELECT 1 FROM run_logs WHERE status = 'success'", at_least=200)
    assert service.rows("SELECT status, COUNT(*) FROM run_logs GROUP BY 1 ORDER BY 1") == [
        ("success", 200),
        ("timeout", 2),
    ]
    assert service.rows("SELECT COUNT(DISTINCT function_id) FROM run_logs") == [(202,)]
