"""Options and servers that tests of all kinds share."""

import os
import random
import signal
import socket
import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from urllib.parse import urlsplit

import pytest
from hypothesis import settings

from tests.needs import skip

POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL", "postgresql://root@127.0.0.1:5432/test")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run every case of the tests marked full")
    parser.addoption(
        "--sample-seed",
        type=int,
        default=datetime.now(UTC).toordinal(),  # another sample every day
        help="which cases of the tests marked full run without --full",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let hypothesis look further with --full, and never call a busy machine a failure.

    A shell's background job ignores SIGINT, and what it starts inherits that: then no Ctrl-C that
    a test sends would end a command.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    examples = 1000 if config.getoption("full") else 100
    settings.register_profile("ours", deadline=None, max_examples=examples, print_blob=True)
    settings.load_profile("ours")


def pytest_report_header(config: pytest.Config) -> str:
    if config.getoption("full"):
        return "tests marked full: all cases"
    return f"tests marked full: a sample, again by --sample-seed {config.getoption('sample_seed')}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked full, but for the sample that each marked test asks for."""
    items.sort(key=_rank)
    if config.getoption("full"):
        return
    cases: defaultdict[tuple[str, object], list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("full"):
            cases[item.nodeid.partition("[")[0], _backend_of(item)].append(item)
    chosen = random.Random(config.getoption("sample_seed"))
    kept = {id(item) for group in cases.values() for item in _sample(group, chosen)}
    left_out = [item for item in chain(*cases.values()) if id(item) not in kept]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = {id(item) for item in left_out}
        items[:] = [item for item in items if id(item) not in gone]


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """Yield the URL of an empty database of its own on the test server; it goes with the test."""
    _need_server(POSTGRES_URL)
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(POSTGRES_URL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield urlsplit(POSTGRES_URL)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def redis_url() -> str:
    """Return the URL of the test server; queues share it by the installation id in their name."""
    _need_server(REDIS_URL)
    return REDIS_URL


def _rank(item: pytest.Item) -> int:
    """Files are dealt out in this order: what takes minutes first, what takes a moment last."""
    if item.path.stem == "test_selftest":
        return 0
    return 1 if item.path.parent.name == "process" else 2


def _backend_of(item: pytest.Item) -> object:
    """Return the back end a case runs on: each of them has a sample of its own."""
    called = getattr(item, "callspec", None)
    return called.params.get("backend") if called else None


def _sample(group: list[pytest.Item], chosen: random.Random) -> list[pytest.Item]:
    marker = group[0].get_closest_marker("full")
    wanted: int = marker.kwargs.get("sample", 0) if marker else 0
    return chosen.sample(group, min(wanted, len(group)))


def _need_server(url: str) -> None:
    """Skip where the server does not run."""
    address = urlsplit(url)
    try:
        socket.create_connection((str(address.hostname), address.port or 0), timeout=2).close()
    except OSError as error:
        skip(f"no server at {address.hostname}:{address.port} ({error})")
