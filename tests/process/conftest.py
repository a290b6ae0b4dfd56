"""Services of real processes that end with the test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.process.backends import Backend
from tests.process.service import Service
from tests.process.steady import KEYS, PULSE


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Backend:
    """Return SQLite files, or what the test is parametrized with (`ALL_BACKENDS`)."""
    name = getattr(request, "param", "sqlite")
    if name == "sqlite":
        return Backend()
    database_url = request.getfixturevalue("postgres_url")
    is_alone = name == "postgres"
    return Backend(database_url, database_url if is_alone else request.getfixturevalue("redis_url"))


@pytest.fixture
def make_service(tmp_path: Path, backend: Backend) -> Iterator[Callable[..., Service]]:
    """Return what makes a service with other configuration keys than the usual ones."""
    made: list[Service] = []

    def make(**keys: Any) -> Service:
        folder = tmp_path / f"service-{len(made)}"
        folder.mkdir()
        made.append(Service(folder, backend, **keys))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    """Return a service with short heartbeats."""
    return make_service(heartbeat_seconds=0.5, dead_after_seconds=3, shutdown_grace_seconds=5)


@pytest.fixture
def steady(make_service: Callable[..., Service]) -> Service:
    """Return a service with a function that runs twice a second."""
    service = make_service(**KEYS)
    service.write("steady.py", PULSE)
    return service
