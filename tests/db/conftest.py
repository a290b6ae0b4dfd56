"""A migrated database of either kind, opened for one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.config import Config
from scheduler.db.connection import close_database
from scheduler.db.schema import init_schema


@pytest.fixture(params=["sqlite", "postgres"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    """Return a configuration whose database exists nowhere yet."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    return make_config(tmp_path, database_url=url)


@pytest.fixture
def database(config: Config) -> Iterator[Config]:
    """Open a migrated database; yield its configuration."""
    init_schema(config)
    yield config
    close_database()


@pytest.fixture
def server(postgres_url: str, tmp_path: Path) -> Iterator[Config]:
    """Open a migrated database on the test server."""
    config = make_config(tmp_path, database_url=postgres_url)
    init_schema(config)
    yield config
    close_database()


def make_config(folder: Path, **keys: object) -> Config:
    """Return a configuration for a folder of one test."""
    defaults: dict[str, object] = {
        "path": None,
        "scan_paths": (folder,),
        "db_path": folder / "scheduler.db",
        "queue_path": folder / "scheduler-queue.db",
    }
    return Config(**{**defaults, **keys})  # type: ignore[arg-type]
