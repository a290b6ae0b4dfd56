"""Database, queue and doorbell that are deleted, damaged or replaced under a running service."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.process.service import Service, wait_for
from tests.process.steady import assert_recovered, goes_on, is_healthy, says


def checkpoint(database: Path) -> None:
    """Let the file itself hold everything: as long as the log has it all, no damage shows."""
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        wait_for(
            lambda: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0,
            "a checkpoint",
        )


def remove_all(database: Path) -> None:
    for file in database.parent.glob(f"{database.name}*"):
        if file.is_file():
            file.unlink()


def overwrite(database: Path) -> None:
    with database.open("r+b") as file:
        file.write(os.urandom(database.stat().st_size))


def replace_by_garbage(database: Path) -> None:
    garbage = database.with_name("garbage")
    garbage.write_bytes(os.urandom(8192))
    garbage.replace(database)


LOSSES: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "deleted with all beside it": remove_all,
    "emptied": lambda database: os.truncate(database, 0),
}


@pytest.mark.full(sample=1)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_database_that_is_lost_while_running_is_made_anew(steady: Service, loss: str) -> None:
    steady.start("run")
    goes_on(steady)
    LOSSES[loss](steady.database)
    says(steady, "database.replaced")
    assert_recovered(steady)


def test_a_backup_that_is_put_in_place_of_a_running_database_is_opened_and_caught_up(
    steady: Service,
) -> None:
    steady.start("run")
    goes_on(steady)
    backup = steady.folder / "backup.db"
    assert steady.run("backup", str(backup)).returncode == 0
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("CREATE TABLE mark AS SELECT 'the backup'")
        connection.commit()
    goes_on(steady)
    backup.replace(steady.database)
    says(steady, "database.replaced")
    assert_recovered(steady)
    assert steady.rows("SELECT * FROM mark") == [("the backup",)]


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut in half": lambda database: os.truncate(database, database.stat().st_size // 2),
    "overwritten": overwrite,
    "replaced by garbage": replace_by_garbage,
}


@pytest.mark.full(sample=1)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_database_is_told_and_never_thrown_away(steady: Service, damage: str) -> None:
    steady.start("run")
    goes_on(steady)
    checkpoint(steady.database)
    DAMAGES[damage](steady.database)
    says(steady, "move it away")
    inode = steady.database.stat().st_ino
    wait_for(lambda: not is_healthy(steady), "health to notice")
    assert steady.database.stat().st_ino == inode
    remove_all(steady.database)
    assert_recovered(steady)


@pytest.mark.full(sample=1)
@pytest.mark.parametrize("fault", [*LOSSES, *DAMAGES])
def test_a_queue_file_that_is_lost_or_damaged_costs_no_slot(steady: Service, fault: str) -> None:
    steady.start("run")
    goes_on(steady)
    queue = steady.folder / "scheduler-queue.db"
    (LOSSES | DAMAGES)[fault](queue)
    assert_recovered(steady)


def test_a_file_that_was_never_a_queue_is_kept(steady: Service) -> None:
    queue = steady.folder / "scheduler-queue.db"
    queue.write_text("notes\n" * 1000)
    steady.start("run")
    assert_recovered(steady)
    assert (steady.folder / "scheduler-queue.db.damaged").read_text() == "notes\n" * 1000
    says(steady, "queue.set_aside")


@pytest.mark.full(sample=1)
@pytest.mark.parametrize("bell", ["scheduler-queue.db.bell", "scheduler.db.ticker.bell"])
def test_a_fifo_that_is_removed_is_made_again(steady: Service, bell: str) -> None:
    steady.start("run")
    goes_on(steady)
    (steady.folder / bell).unlink()
    wait_for((steady.folder / bell).is_fifo, "another FIFO")
    assert_recovered(steady)


def test_where_no_fifo_is_possible_runs_start_late_but_all_of_them(steady: Service) -> None:
    for bell in ("scheduler-queue.db.bell", "scheduler.db.ticker.bell"):
        (steady.folder / bell).write_text("no FIFO")
    steady.start("run")
    says(steady, "doorbell.missing")
    assert_recovered(steady)
