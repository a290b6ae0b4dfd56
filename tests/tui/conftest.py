"""Databases full of made-up work, and consoles to look at them."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from scheduler.clock import SystemClock
from scheduler.config import Config
from tests.tui.seed import Seed, make_config, make_database
from tests.tui.stage import NOW, Stage
from tests.tui.terminal import Terminal

StageMaker = Callable[..., Stage]
Opener = Callable[..., Terminal]


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


@pytest.fixture
def place(tmp_path: Path) -> Config:
    """Return a filled database with a configuration file beside it."""
    config = make_config(tmp_path)
    (tmp_path / "jobs").mkdir()
    (tmp_path / "scheduler.toml").write_text('scan_paths = ["jobs"]\n')
    make_database(config, Seed(now=SystemClock().now(), functions=30, runs=300))
    return config


@pytest.fixture
def opened(place: Config) -> Iterator[Opener]:
    """Return an opener of consoles, all of which are gone after the test."""
    with ExitStack() as stack:

        def open_console(
            *options: str, width: int = 120, height: int = 36, **environ: str
        ) -> Terminal:
            config = place.db_path.with_name("scheduler.toml")
            command = [sys.executable, "-m", "scheduler", "tui", "--config", str(config), *options]
            terminal = Terminal(command, width=width, height=height, environ=environ)
            return stack.enter_context(terminal)

        yield open_console
