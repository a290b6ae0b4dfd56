"""Databases full of made-up work, and consoles to look at them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scheduler.config import Config
from tests.tui.seed import Seed, make_config, make_database
from tests.tui.stage import NOW, Stage

StageMaker = Callable[..., Stage]


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Return the configuration of a filled database that no test writes to."""
    config = make_config(tmp_path_factory.mktemp("seeded"))
    make_database(config, Seed(now=NOW, functions=60, runs=3000))
    return config


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Return the configuration of a database with a schema and nothing else."""
    config = make_config(tmp_path_factory.mktemp("empty"))
    make_database(config, Seed(now=NOW, functions=0, runs=0, workers=0))
    return config


@pytest.fixture
def own(tmp_path: Path) -> Config:
    """Return the configuration of a filled database for one test to change."""
    config = make_config(tmp_path)
    make_database(config, Seed(now=NOW, functions=40, runs=600))
    return config


@pytest.fixture
def stage_of() -> Iterator[StageMaker]:
    """Return a maker of stages, which are closed after the test."""
    stages: list[Stage] = []

    def make(config: Config, **options: object) -> Stage:
        stages.append(Stage(config, **options))  # type: ignore[arg-type]
        stages[-1].show()
        return stages[-1]

    yield make
    for stage in stages:
        stage.close()


@pytest.fixture
def stage(seeded: Config, stage_of: StageMaker) -> Stage:
    """Return a console of 120x36 on the filled database."""
    return stage_of(seeded)
