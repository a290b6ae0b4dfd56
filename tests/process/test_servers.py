"""Servers that go away and come back: nothing is lost, and nobody has to do anything."""

import signal
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.process.backends import ON_SERVERS, Backend
from tests.process.servers import PostgresServer, RedisServer
from tests.process.service import Service, stop, wait_for
from tests.process.slots import gapless
from tests.process.standstill import standing_still

EVERY_HALF_SECOND = """
@schedule(timedelta(seconds=0.5))
def tick():
    pass
"""
LONG = """
@schedule(timedelta(hours=1))
def long():
    print("begun", flush=True)
    time.sleep(4)
    return "whole"
"""
MANY = """
def made(number):
    @schedule(timedelta(hours=1), name=f"made-{number}")
    def function():
        pass
    function.__qualname__ = function.__name__ = f"made_{number}"
    return function

for number in range(20):
    globals()[f"made_{number}"] = made(number)
"""
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'scheduler' AND pid != pg_backend_pid()
"""
DONE = "SELECT id FROM run_logs WHERE status = 'success'"
FUNCTIONS = "SELECT 1 FROM scheduled_functions FOR UPDATE"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """Yield a cluster of the module's own; each test gets it running, with an empty database."""
    server = PostgresServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """Yield a running Redis of the test's own."""
    server = RedisServer()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def backend(
    request: pytest.FixtureRequest, postgres: PostgresServer, redis: RedisServer
) -> Backend:
    """Return the back end made of both servers, or of the first alone (`ON_SERVERS`)."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    is_alone = getattr(request, "param", "") == "postgres"
    return Backend(postgres.url, postgres.url if is_alone else redis.url)


@pytest.fixture
def patient(make_service: Callable[..., Service]) -> Service:
    """Return a service that survives an outage of ten seconds without giving its runs up."""
    return make_service(heartbeat_seconds=0.5, dead_after_seconds=30, shutdown_grace_seconds=5)


def done(service: Service) -> int:
    """Return how many runs have succeeded."""
    return len(service.rows(DONE))


@ON_SERVERS
@pytest.mark.full(sample=1)
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_of_postgresql_costs_no_slot_no_run_and_no_process(
    patient: Service, postgres: PostgresServer, mode: str
) -> None:
    patient.write("often.py", EVERY_HALF_SECOND + LONG)
    process = patient.start("run")
    patient.wait_rows("SELECT 1 FROM run_logs WHERE status = 'running' AND output LIKE 'begun%'")
    patient.wait_rows(DONE, at_least=2)
    pids = patient.pids("ticker") + patient.pids("worker")
    postgres.stop(mode)
    wait_for(lambda: "database_url" in patient.read_log(), "the loss to be said")
    postgres.start()
    patient.wait_rows(DONE, at_least=done(patient) + 6)
    patient.wait_rows("SELECT 1 FROM run_logs WHERE result = ?", "'whole'")
    assert patient.pids("ticker") + patient.pids("worker") == pids
    assert stop(process) == 0
    gapless(patient, "often.tick", 0.5)
    assert unhappy(patient) == []


@pytest.mark.full(sample=1)
@pytest.mark.parametrize(
    ("backend", "frozen", "told"),
    [
        ("postgres+redis", "postgres", "no answer within 5 s"),
        ("postgres+redis", "redis", "queue_url"),
        ("postgres", "postgres", "no answer within 5 s"),
    ],
    indirect=["backend"],
)
def test_a_frozen_server_is_given_up_after_the_time_out_and_used_again_when_it_wakes(
    patient: Service, request: pytest.FixtureRequest, frozen: str, told: str
) -> None:
    server: PostgresServer | RedisServer = request.getfixturevalue(frozen)
    patient.write("often.py", EVERY_HALF_SECOND)
    process = patient.start("run")
    patient.wait_rows(DONE, at_least=2)
    server.send(signal.SIGSTOP)
    wait_for(lambda: told in patient.read_log(), "the time-out to be said")
    server.send(signal.SIGCONT)
    patient.wait_rows(DONE, at_least=done(patient) + 6)
    assert stop(process) == 0
    gapless(patient, "often.tick", 0.5)
    assert unhappy(patient) == []


def test_a_redis_that_is_down_is_told_and_filled_again_when_it_comes_back_empty(
    patient: Service, redis: RedisServer
) -> None:
    patient.write("many.py", MANY)
    ticker = patient.start("ticker")
    patient.wait_rows("SELECT 1 FROM run_logs WHERE status = 'queued'", at_least=20)
    redis.kill()
    worker = patient.start("worker")
    wait_for(lambda: "queue_url" in patient.read_log(), "the loss to be said")
    told = f"✗ queue_url: {redis.url} cannot be reached: "
    wait_for(lambda: told in patient.run("status").stdout, "`status` to tell it")
    redis.start()
    patient.wait_rows(DONE, at_least=20)
    wait_for(lambda: "queue_url can be used again" in patient.read_log(), "its return to be said")
    assert stop(ticker) == stop(worker) == 0
    assert patient.rows("SELECT COUNT(*), COUNT(DISTINCT function_id) FROM run_logs") == [(20, 20)]


@ON_SERVERS
@pytest.mark.full
def test_connections_that_are_cut_at_any_instant_lose_nothing(
    patient: Service, postgres: PostgresServer
) -> None:
    patient.write("often.py", EVERY_HALF_SECOND.replace("0.5", "0.05"))
    process = patient.start("run")
    for _ in range(10):
        patient.wait_rows(DONE, at_least=done(patient) + 3)
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute(CUT)
    patient.wait_rows(DONE, at_least=done(patient) + 3)
    assert stop(process) == 0
    gapless(patient, "often.tick", 0.05)
    assert patient.rows("SELECT id, reason FROM run_logs WHERE status = 'running'") == []


@ON_SERVERS
def test_a_client_that_stops_within_a_request_holds_nobody_up_for_ever(
    patient: Service, postgres: PostgresServer
) -> None:
    patient.write("often.py", EVERY_HALF_SECOND)
    process = patient.start("run")
    patient.wait_rows(DONE, at_least=2)
    with standing_still(postgres.url, FUNCTIONS):
        wait_for(lambda: "session.stalled" in patient.read_log(), "its session to be ended")
    patient.wait_rows(DONE, at_least=done(patient) + 3)
    assert stop(process) == 0
    gapless(patient, "often.tick", 0.5)
    assert unhappy(patient) == []


def test_a_role_that_may_end_no_session_hears_of_a_death_all_the_same(
    make_service: Callable[..., Service], postgres: PostgresServer
) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS plain")
        connection.execute("CREATE ROLE plain LOGIN")
        connection.execute("GRANT ALL ON SCHEMA public TO plain")
        connection.execute("REVOKE SELECT ON pg_stat_activity FROM PUBLIC")
    url = postgres.url.replace("tester:secret", "plain")
    service = make_service(heartbeat_seconds=0.5, dead_after_seconds=3, database_url=url)
    service.start("ticker")
    worker = service.start("worker")
    service.wait_rows("SELECT 1 FROM processes WHERE role = 'worker' AND beat > 0")
    worker.kill()
    service.wait_rows("SELECT 1 FROM processes WHERE role = 'worker' AND state = 'lost'")
    assert service.read_log().count("session.unwatched") == 1


@ON_SERVERS
def test_a_service_that_starts_before_its_servers_begins_when_they_are_there(
    patient: Service, postgres: PostgresServer, redis: RedisServer
) -> None:
    patient.write("often.py", EVERY_HALF_SECOND)
    postgres.stop("fast")
    redis.kill()
    process = patient.start("run")
    wait_for(lambda: "process.ended" in patient.read_log(), "a process to give up")
    postgres.start()
    redis.start()
    patient.wait_rows(DONE, at_least=2)
    assert stop(process) == 0
    assert "Traceback" not in patient.read_log()
    assert "secret" not in patient.read_log()


def unhappy(service: Service) -> list[tuple[object, ...]]:
    """Return the verdicts that an outage of the servers must not cause."""
    return service.rows(
        "SELECT id, status, reason FROM run_logs "
        "WHERE status NOT IN ('success', 'skipped', 'missed') ORDER BY id"
    )
