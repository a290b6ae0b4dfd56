"""Passwords of servers: in no log, no answer of a command, and out of sight of user code."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from tests.process.backends import Backend
from tests.process.servers import RedisServer
from tests.process.service import Service, command_line, descendants, stop, wait_for

SECRET = "p4ssw0rd-of-a-server"
PRIES = """
@schedule(timedelta(seconds=0.5))
def pry():
    print(dict(os.environ), sys.argv)
    print(open("/proc/self/environ").read(), open("/proc/self/cmdline").read())
"""


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """Yield a running Redis that asks for the password."""
    server = RedisServer(password=SECRET)
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["redis", "postgres"])
def backend(request: pytest.FixtureRequest, postgres_url: str, redis: RedisServer) -> Backend:
    """Return a back end whose URLs hold the password, which the test's PostgreSQL lets pass."""
    address = urlsplit(postgres_url)
    place = f"{address.username}:{SECRET}@{address.hostname}:{address.port or 5432}"
    database_url = address._replace(netloc=place).geturl()
    return Backend(database_url, redis.url if request.param == "redis" else database_url)


@pytest.mark.full(sample=1)
def test_a_password_is_seen_nowhere(
    make_service: Callable[..., Service], backend: Backend, redis: RedisServer
) -> None:
    service = make_service(heartbeat_seconds=0.5, dead_after_seconds=3, shutdown_grace_seconds=2)
    file = service.folder / "scheduler.toml"
    lines = [line for line in file.read_text().splitlines(True) if "_url" not in line]
    file.write_text("".join(lines))  # a function may read this file; the environment is the way
    urls = {f"SCHEDULER_{key.upper()}": url for key, url in backend.keys().items()}
    service.write("pry.py", PRIES)
    process = service.start("run", SCHEDULER_LOG_LEVEL="debug", **urls)
    ((seen,),) = service.wait_rows(
        "SELECT output FROM run_logs WHERE status = 'success' ORDER BY id LIMIT 1"
    )
    commands = [command_line(pid) for pid in [process.pid, *descendants(process.pid)]]
    answers = [
        service.run(*command, **urls)
        for command in (["status"], ["status", "--json"], ["check"], ["metrics"], ["backup", "x"])
    ]
    if redis.url == backend.queue_url:
        redis.kill()
        wait_for(lambda: "queue_url" in service.read_log(), "the loss to be said")
        answers.append(service.run("check", **urls))
    assert stop(process) == 0

    texts = [seen, service.read_log(), *commands]
    texts += [text for answer in answers for text in (answer.stdout, answer.stderr)]
    assert all(SECRET not in text for text in texts)
    assert "***" in answers[0].stdout, "status says where the database is"
