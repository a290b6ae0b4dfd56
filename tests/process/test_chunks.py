"""A long queue of short runs: workers claim chunks of it, and lose none of them when they end."""

import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from scheduler.config import load_config
from scheduler.crashpoints import CRASH_POINTS
from scheduler.db.connection import close_database
from scheduler.db.runs import insert_run_log
from scheduler.db.schema import installation_id, open_existing
from scheduler.db.statements import transaction
from scheduler.queue import open_queue
from tests.process.backends import ALL_BACKENDS
from tests.process.service import Service, stop, wait_for

FUNCTIONS = """
@schedule(timedelta(days=1), start=datetime(2100, 1, 1), overlap="allow")
def note():
    run = current_run()
    with open({journal!r}, "a") as journal:
        journal.write(f"{{run.run_id}} {{run.attempt}}\\n")
"""
RUNS = 400
POINTS = (
    "supply.dequeued",
    "supply.uncommitted",
    "supply.claimed",
    "slot.started",
    "finish.uncommitted",
    "slot.finished",
)
CLAIMED = "SELECT 1 FROM run_logs WHERE status = 'queued' AND claimed_by IS NOT NULL"
UNFINISHED = "SELECT 1 FROM run_logs WHERE status IN ('queued', 'running') LIMIT 1"


@pytest.fixture
def journal(service: Service) -> Path:
    """Let the service know the one function; return the file in which it notes its calls."""
    path = service.folder / "journal"
    path.touch()
    text = "from datetime import datetime\n" + FUNCTIONS.format(journal=str(path))
    service.write("notes.py", text)
    assert service.run("scan").returncode == 0
    return path


def enqueue(service: Service, count: int = RUNS) -> None:
    """Queue so many runs of the function, as its slots and requests would."""
    config = load_config(service.folder / "scheduler.toml", os.environ)
    open_existing(config)
    queue = open_queue(config, installation_id())
    messages = []
    with transaction():
        for _ in range(count):
            messages += insert_run_log(1, 1.0, now=1.0, is_held_while_open=False)[1]
    queue.send(messages)
    queue.storage.close()
    close_database()


def enqueue_until_it_dies(service: Service, process: subprocess.Popen[bytes]) -> None:
    """Feed a worker until it comes to its crash point: on a busy machine no run may be short."""
    while process.poll() is None:
        enqueue(service)
        wait_for(lambda: process.poll() is not None or not service.rows(UNFINISHED), "its death")
    assert process.returncode == -signal.SIGKILL, service.read_log()


def assert_each_ran_once(service: Service, journal: Path) -> None:
    """Assert that each run has a verdict, that it is true, and that nothing ran twice."""
    wait_for(lambda: not service.rows(UNFINISHED), f"the end of all; log:\n{service.read_log()}")
    calls = Counter(int(line.split()[0]) for line in journal.read_text().splitlines())
    statuses = dict(service.rows("SELECT id, status FROM run_logs"))
    assert set(calls.values()) == {1}
    assert {run_id for run_id, status in statuses.items() if status == "success"} <= calls.keys()
    lost = [run_id for run_id, status in statuses.items() if status != "success"]
    assert len(lost) <= 2, "only what was in a slot may be lost"
    assert {status for status in statuses.values()} <= {"success", "lost"}


def test_the_points_around_chunks_are_all_tried() -> None:
    assert {point for point in CRASH_POINTS if point.startswith("supply.")} <= set(POINTS)


@ALL_BACKENDS
@pytest.mark.full(sample=1)
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_over_a_chunk_loses_only_what_ran_and_runs_nothing_twice(
    service: Service, journal: Path, point: str
) -> None:
    passage = 2 if point.startswith("supply.") else 150
    first = service.start("worker", SCHEDULER_CRASH_POINT=f"{point}:{passage}")
    enqueue_until_it_dies(service, first)
    service.start("ticker")
    service.start("worker")
    assert_each_ran_once(service, journal)


@ALL_BACKENDS
def test_a_worker_that_is_stopped_hands_back_what_it_has_not_started(
    service: Service, journal: Path
) -> None:
    enqueue(service, 2000)
    worker = service.start("worker")
    service.wait_rows("SELECT 1 FROM run_logs WHERE status = 'success'", at_least=200)
    assert stop(worker) == 0
    assert service.rows(CLAIMED) == []
    assert service.rows(UNFINISHED), "it stopped in the midst of them"
    service.start("worker")
    assert_each_ran_once(service, journal)
