"""Write-ahead logs are moved into their files by a thread of their own."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from scheduler.clock import SystemClock
from scheduler.maintenance.checkpoints import (
    LATEST_SECONDS,
    RESTART_PAGES,
    SOON_RUNS,
    SOONEST_SECONDS,
    WANTED_PAGES,
    Checkpoints,
    Growth,
    Log,
    checkpoint,
)
from tests.process.service import wait_for


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a database whose log is never checkpointed by its writer."""
    return tmp_path / "some where.db"


def moved(path: Path) -> Log:
    """Make a checkpoint, which succeeds."""
    log = checkpoint(path)
    assert log is not None
    return log


def write(connection: sqlite3.Connection, *, pages: int = 30) -> None:
    """Write at least so many pages into the log."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("CREATE TABLE IF NOT EXISTS t (x)")
    connection.executemany("INSERT INTO t VALUES (?)", [("x" * 3000,)] * pages)
    connection.commit()


def test_a_checkpoint_moves_the_log_while_a_writer_has_it_open(path: Path) -> None:
    with closing(sqlite3.connect(path)) as writer:
        write(writer)
        size = path.stat().st_size
        assert moved(path).pages > 0
        assert path.stat().st_size > size
        assert writer.execute("SELECT COUNT(*) FROM t").fetchone() == (30,)


def test_a_file_that_is_away_is_nobodys_fault(path: Path) -> None:
    assert checkpoint(path) is None
    assert Growth().seconds_until_next(None, 1.0) == 1.0
    assert not path.exists()


def test_the_thread_begins_at_once_and_ends_when_told(path: Path) -> None:
    with closing(sqlite3.connect(path)) as writer:
        write(writer)
        size = path.stat().st_size
        checkpoints = Checkpoints([path], SystemClock())
        checkpoints.start()
        wait_for(lambda: path.stat().st_size > size, "the first checkpoint")
        checkpoints.stop()


def test_a_quiet_log_is_looked_at_before_a_burst_can_fill_it(path: Path) -> None:
    with closing(sqlite3.connect(path)) as writer:
        write(writer, pages=0)
        size = path.stat().st_size
        checkpoints = Checkpoints([path], SystemClock(), latest_seconds=3600.0)
        checkpoints.start()
        wait_for(lambda: path.stat().st_size > size, "the first checkpoint")
        write(writer, pages=30)
        size = path.stat().st_size
        checkpoints.expect(SOON_RUNS // 2)
        checkpoints.expect(SOON_RUNS // 2)
        wait_for(lambda: path.stat().st_size > size, "the second, which was due much later")
        checkpoints.stop()


def test_a_long_log_is_written_from_its_start_again(path: Path) -> None:
    with closing(sqlite3.connect(path)) as writer:
        write(writer, pages=RESTART_PAGES)
        size = Path(f"{path}-wal").stat().st_size

        assert moved(path).pages >= RESTART_PAGES

        writer.execute("INSERT INTO t VALUES (1)")
        writer.commit()
        assert Path(f"{path}-wal").stat().st_size == size
        assert moved(path).pages < 10


def test_a_reader_keeps_a_long_log_from_being_begun_anew_and_nobody_waits_for_it(
    path: Path,
) -> None:
    with closing(sqlite3.connect(path)) as writer, closing(sqlite3.connect(path)) as reader:
        write(writer, pages=RESTART_PAGES // 2)
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM t").fetchall()
        write(writer, pages=RESTART_PAGES)

        for _ in range(2):
            assert moved(path).pages >= RESTART_PAGES
            writer.execute("INSERT INTO t VALUES (1)")
            writer.commit()

        reader.rollback()
        checkpoint(path)
        writer.execute("INSERT INTO t VALUES (1)")
        writer.commit()
        assert moved(path).pages < 10


def test_the_faster_a_log_grows_the_sooner_the_next_checkpoint() -> None:
    growth = Growth()

    assert growth.seconds_until_next(Log(), 1.0) == LATEST_SECONDS
    assert growth.seconds_until_next(Log(500), 1.0) == 1.0 * WANTED_PAGES / 500
    assert growth.seconds_until_next(Log(40 * WANTED_PAGES), 2.0) == SOONEST_SECONDS


def test_a_log_that_nobody_writes_any_more_is_not_looked_at_often_however_long_it_is() -> None:
    growth = Growth()
    growth.seconds_until_next(Log(1500), 1.0)

    assert growth.seconds_until_next(Log(1500), 1.0) == LATEST_SECONDS


@pytest.mark.parametrize("pages", [100, 200, 210])
def test_a_log_that_was_begun_anew_counts_from_its_start(path: Path, pages: int) -> None:
    """Also when it is as long again as it was, which does not tell."""
    growth = Growth()
    with closing(sqlite3.connect(path)) as writer:
        write(writer, pages=200)
        growth.seconds_until_next(moved(path), 1.0)
        write(writer, pages=pages)

        log = moved(path)

        assert pages <= log.pages < pages + 10
        assert growth.seconds_until_next(log, 1.0) == 1.0 * WANTED_PAGES / log.pages
