"""What is edited while the service is stopped counts from the first slot after its start on."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from scheduler.policy import GONE_FIRST
from tests.process.service import Service, stop, wait_for

OFTEN = "@schedule(timedelta(seconds=0.5){options})\ndef often(): pass\n"
OTHER = "@schedule(timedelta(seconds=0.5))\ndef other(): pass\n"
WAITING = """import settings
@schedule(timedelta(hours=1), retries=3, retry_delay=timedelta(seconds=2), enabled={enabled})
def often():
    with open(os.path.dirname(__file__) + "/called", "a") as file:
        file.write("x")
    assert current_run().trigger == "manual"
"""
RUNS_AFTER = (
    "SELECT r.id FROM run_logs r JOIN scheduled_functions f ON f.id = r.function_id"
    " WHERE f.name = ? AND r.started_at > ?"
)


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    service = make_service()
    service.write("job.py", OFTEN.format(options=""))
    service.write("beside.py", OTHER)
    return service


@contextmanager
def stopped(service: Service) -> Iterator[None]:
    """Let both functions run, stop the service, and go on when it has missed slots of them."""
    process = service.start("run")
    service.wait_rows(
        "SELECT last_status FROM scheduled_functions WHERE last_status = 'success'", at_least=2
    )
    assert stop(process) == 0
    yield
    ((next_at,),) = service.rows("SELECT MAX(next_run_at) FROM scheduled_functions")
    wait_for(lambda: time.time() > next_at, "slots that are missed")


def test_a_function_that_was_switched_off_meanwhile_does_not_run_once_more(
    service: Service,
) -> None:
    with stopped(service):
        service.write("job.py", OFTEN.format(options=", enabled=False"))
    started_at = time.time()
    process = service.start("run")
    service.wait_rows(RUNS_AFTER, "beside.other", started_at)
    service.wait_rows("SELECT id FROM scheduled_functions WHERE NOT enabled")
    assert service.rows(RUNS_AFTER, "job.often", started_at) == []
    assert stop(process) == 0


def test_a_function_whose_file_was_deleted_meanwhile_does_not_fail_once_more(
    service: Service,
) -> None:
    with stopped(service):
        (service.folder / "functions" / "job.py").unlink()
    process = service.start("run")
    service.wait_rows("SELECT id FROM scheduled_functions WHERE state = 'gone'")
    assert service.rows(
        "SELECT r.status, r.reason FROM run_logs r JOIN scheduled_functions f"
        " ON f.id = r.function_id WHERE f.name = 'job.often'"
        " AND r.status NOT IN ('success', 'skipped')"
    ) == [("missed", GONE_FIRST)]
    assert stop(process) == 0


@pytest.mark.parametrize("is_by_helper", [False, True])
def test_a_run_that_waited_when_its_function_was_switched_off_is_not_executed(
    service: Service, is_by_helper: bool
) -> None:
    service.write("settings.py", "ON = True\n")
    service.write("job.py", WAITING.format(enabled="settings.ON"))
    process = service.start("run")
    service.wait_rows("SELECT id FROM run_logs WHERE status = 'error'")  # to be tried again in 2 s
    assert stop(process) == 0
    if is_by_helper:
        service.write("settings.py", "ON = False\n")
    else:
        service.write("job.py", WAITING.format(enabled="False"))
    process = service.start("run")
    ((attempt, reason),) = service.wait_rows(
        "SELECT attempt, reason FROM run_logs WHERE status = 'cancelled'"
    )
    assert attempt == 2
    assert reason == "not called: its file has it disabled now (enabled=False)"
    assert (service.functions / "called").read_text() == "x"
    by_hand = service.run("trigger", "job.often", "--wait")
    assert by_hand.returncode == 0, by_hand.stdout
    assert (service.functions / "called").read_text() == "xx"
    assert stop(process) == 0
