"""Many at once: tickers and workers that share one database, and first starts at the same time."""

import time
from collections.abc import Callable

import pytest

from tests.process.backends import ALL_BACKENDS
from tests.process.course import Course
from tests.process.service import Service, stop, wait_for
from tests.process.slots import gapless

pytestmark = ALL_BACKENDS

HEAD = """
import json
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
START = datetime.fromtimestamp(float((HERE / "start.txt").read_text()), UTC)

def note():
    run = current_run()
    fact = {"name": run.name, "run_id": run.run_id, "slot": run.scheduled_for}
    fact |= {"attempt": run.attempt, "pid": os.getpid(), "at": time.time()}
    lines = [json.dumps({"what": what, **fact}) for what in ("start", "success")]
    with open(HERE / "journal.jsonl", "ab", buffering=0) as journal:
        journal.write("".join(f"{line}\\n" for line in lines).encode())

"""
ONE = """
@schedule(timedelta(seconds=2), start=START)
def f{0}():
    note()
"""
IN_A_FILE = 250
PULSE = "@schedule(timedelta(seconds=1))\ndef pulse(): pass\n"
# Errors that say that processes were in each other's way, or worse.
BAD = ("locked", "ERROR", "Traceback")


def assert_quiet(service: Service) -> None:
    """Assert that the log has nothing bad."""
    lines = service.read_log().splitlines()
    assert [line for line in lines if any(word in line for word in BAD)] == []


@pytest.mark.parametrize(
    ("functions", "seconds"), [(500, 6), pytest.param(2000, 60, marks=pytest.mark.full)]
)
def test_three_tickers_and_four_workers_run_each_slot_of_many_functions_once(
    make_service: Callable[..., Service], functions: int, seconds: float
) -> None:
    service = make_service(retention_runs_per_function=1_000_000)
    course = Course(service, has_own_functions=True)
    for first in range(0, functions, IN_A_FILE):
        bodies = "".join(ONE.format(number) for number in range(first, first + IN_A_FILE))
        service.write(f"many{first}.py", HEAD + bodies)
    for role in ["ticker"] * 3 + ["worker"] * 4:
        course.start(role)
    service.wait_rows("SELECT 1 FROM scheduled_functions", at_least=functions)
    began = time.monotonic()
    wait_for(lambda: time.monotonic() > began + seconds, "the time to pass", seconds + 10)
    until_at = course.until_settled()
    course.stop()
    course.assert_kept(until_at)
    decided = "SELECT status, COUNT(*) FROM run_logs WHERE scheduled_for <= ? GROUP BY status"
    ended = dict(service.rows(decided, until_at))
    assert set(ended) <= {"success", "skipped"}, ended
    assert ended["success"] >= functions
    assert_quiet(service)


def test_eight_processes_that_start_at_once_on_an_empty_folder_share_one_schema(
    service: Service,
) -> None:
    service.write("steady.py", PULSE)
    processes = [service.start(role) for role in ["worker", "ticker", "run"] * 2 + ["worker"] * 2]
    alive = "SELECT 1 FROM processes WHERE state = 'running' AND role = ?"
    service.wait_rows(alive, "ticker", at_least=4)
    service.wait_rows(alive, "worker", at_least=6)
    service.wait_rows("SELECT 1 FROM run_logs WHERE status = 'success'", at_least=2)
    assert service.run("health").returncode == 0
    assert [stop(process) for process in processes] == [0] * len(processes)
    assert service.rows("SELECT COUNT(*) FROM schema_migration") == [(1,)]
    assert service.rows("SELECT COUNT(*) FROM settings WHERE key = 'installation_id'") == [(1,)]
    gapless(service, "steady.pulse")
    assert_quiet(service)
    assert service.living() == []
