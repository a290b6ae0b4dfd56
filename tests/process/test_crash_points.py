"""SIGKILL at every named place: started again, no slot is lost and nothing runs twice."""

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import scheduler
from scheduler.crashpoints import CRASH_POINTS
from tests.process.backends import ALL_BACKENDS
from tests.process.course import Course
from tests.process.service import Service, children, descendants, is_alive, stop, wait_for

# Points that processes pass often die at a later passage, when there is a history to lose.
PASSAGE = {"tick": 4, "slot": 3, "claim": 3, "finish": 3, "run": 2}
IN_TICKER = ("tick", "scan", "migrate")
IN_WORKER = ("slot", "claim", "finish")
SUCCESSES = "SELECT 1 FROM run_logs WHERE status = 'success'"


def points_of(*groups: str) -> list[str]:
    return [point for point in CRASH_POINTS if point.partition(".")[0] in groups]


def armed(point: str) -> dict[str, str]:
    passage = PASSAGE.get(point.partition(".")[0], 1)
    return {"SCHEDULER_CRASH_POINT": f"{point}:{passage}"}


@pytest.fixture
def course(make_service: Callable[..., Service]) -> Course:
    return Course(
        make_service(
            heartbeat_seconds=0.5,
            dead_after_seconds=3,
            worker_concurrency=8,
            retention_runs_per_function=1_000_000,
        )
    )


def go_on(course: Course, *roles: str) -> None:
    """Start the roles unarmed, let every slot get its verdict, stop all, and check the record."""
    before = len(course.service.rows(SUCCESSES))
    for role in roles:
        course.start(role)
    course.service.wait_rows(SUCCESSES, at_least=before + 5)
    until_at = course.until_settled()
    course.stop()
    course.assert_kept(until_at)


def test_every_crash_point_is_listed_and_stands_in_the_code_once() -> None:
    package = Path(scheduler.__file__).parent
    in_code = [
        name
        for file in package.rglob("*.py")
        for name in re.findall(r'crash_point\("([^"]+)"\)', file.read_text())
    ]

    assert sorted(in_code) == sorted(CRASH_POINTS)


@ALL_BACKENDS
@pytest.mark.full(sample=1)
@pytest.mark.parametrize("point", points_of(*IN_TICKER))
def test_a_ticker_killed_anywhere_loses_no_slot(course: Course, point: str) -> None:
    course.start("worker")
    course.until_it_dies(course.start("ticker", **armed(point)))
    go_on(course, "ticker")


@ALL_BACKENDS
@pytest.mark.full(sample=1)
@pytest.mark.parametrize("point", points_of(*IN_WORKER))
def test_a_worker_killed_anywhere_loses_no_slot_and_runs_nothing_twice(
    course: Course, point: str
) -> None:
    course.start("ticker")
    course.until_it_dies(course.start("worker", **armed(point)))
    go_on(course, "worker")


@ALL_BACKENDS
@pytest.mark.full(sample=1)
@pytest.mark.parametrize("point", points_of("reap"))
def test_a_ticker_killed_while_it_reaps_leaves_the_rest_to_the_next(
    course: Course, point: str
) -> None:
    worker = course.start("worker")
    ticker = course.start("ticker", **armed(point))
    course.service.wait_rows("SELECT 1 FROM run_logs WHERE status = 'running'", at_least=2)
    worker.kill()
    course.until_it_dies(ticker)
    go_on(course, "ticker", "worker")


@ALL_BACKENDS
@pytest.mark.full(sample=1)
@pytest.mark.parametrize("point", points_of("run"))
def test_an_executor_killed_around_the_users_call_is_lost_and_tried_again(
    course: Course, point: str
) -> None:
    course.start("ticker")
    worker = course.start("worker", **armed(point))
    course.service.wait_rows("SELECT 1 FROM run_logs WHERE status = 'lost' AND signal = 9")
    assert stop(worker) == 0
    go_on(course, "worker")


@ALL_BACKENDS
@pytest.mark.full(sample=1)
@pytest.mark.parametrize("point", points_of("retention"))
def test_a_ticker_killed_in_retention_has_deleted_all_of_a_batch_or_nothing(
    course: Course, point: str
) -> None:
    service = course.service
    course.start("ticker")
    course.start("worker")
    service.wait_rows(SUCCESSES, at_least=20)
    course.stop()
    toml = service.folder / "scheduler.toml"
    toml.write_text(toml.read_text().replace("= 1000000", "= 2"))
    course.until_it_dies(course.start("ticker", **armed(point)))
    go_on(course, "ticker", "worker")
    assert service.rows("SELECT 1 FROM scheduled_functions WHERE pruned_until_at IS NOT NULL")


@ALL_BACKENDS
@pytest.mark.full(sample=1)
@pytest.mark.parametrize("point", points_of("supervisor"))
def test_what_a_killed_supervisor_had_started_ends_and_the_next_goes_on(
    course: Course, point: str
) -> None:
    service = course.service
    run = course.start("run", **armed(point))
    if point == "supervisor.stopping":
        service.wait_rows(SUCCESSES, at_least=5)
        run.send_signal(signal.SIGTERM)
    course.until_it_dies(run)
    wait_for(lambda: not service.living(), "all to end with the supervisor")
    go_on(course, "run")


@ALL_BACKENDS
@pytest.mark.parametrize("is_alone", [True, False], ids=["alone", "with its zygote"])
def test_a_worker_that_was_paused_too_long_is_dead_before_its_retry_and_cannot_write(
    service: Service, is_alone: bool
) -> None:
    service.write(
        "long.py",
        """
@schedule(timedelta(hours=1), retries=1, retry_delay=timedelta(0))
def once():
    run = current_run()
    print("attempt", run.attempt, flush=True)
    journal = open(os.path.join(os.path.dirname(__file__), "journal"), "a")
    until = time.monotonic() + (1 if run.attempt == 2 else 600)
    while time.monotonic() < until:
        print(run.attempt, time.time(), file=journal, flush=True)
        time.sleep(0.01)
    return run.attempt
""",
    )
    service.start("ticker")
    first = service.start("worker")
    service.wait_rows("SELECT 1 FROM run_logs WHERE status = 'running' AND output LIKE 'attempt%'")
    user_code = [pid for pid in descendants(first.pid) if pid not in children(first.pid)]
    service.pause(first.pid, *([] if is_alone else children(first.pid)))
    service.start("worker")
    service.wait_rows("SELECT 1 FROM run_logs WHERE attempt = 2 AND status = 'success'")
    assert not any(is_alive(pid) for pid in user_code)
    verdict = service.rows("SELECT * FROM run_logs WHERE attempt = 1")

    first.send_signal(signal.SIGCONT)
    wait_for(lambda: "worker.declared_dead" in service.read_log(), "the late worker to hear of it")
    wait_for(lambda: "run.refused" in service.read_log(), "its verdict to be refused")

    assert service.rows("SELECT * FROM run_logs WHERE attempt = 1") == verdict
    written = [line.split() for line in (service.functions / "journal").read_text().splitlines()]
    assert [attempt for attempt, _ in written] == sorted(attempt for attempt, _ in written)
    assert service.rows("SELECT COUNT(*) FROM run_logs") == [(2,)]
