"""Services of real processes that end with the test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.process.service import Service


@pytest.fixture
def make_service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Return what makes a service with other configuration keys than the usual ones."""
    made: list[Service] = []

    def make(**keys: Any) -> Service:
        folder = tmp_path / f"service-{len(made)}"
        folder.mkdir()
        made.append(Service(folder, **keys))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    """Return a service with short heartbeats."""
    return make_service(heartbeat_seconds=0.5, dead_after_seconds=3, shutdown_grace_seconds=5)
