"""What is edited while the service is stopped counts from the first slot after its start on."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.process.service import Service, stop, wait_for

OFTEN = "@schedule(timedelta(seconds=0.5){options})\ndef often(): pass\n"
OTHER = "@schedule(timedelta(seconds=0.5))\ndef other(): pass\n"
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
    assert service.rows("SELECT id FROM run_logs WHERE status NOT IN ('success', 'skipped')") == []
    assert stop(process) == 0
