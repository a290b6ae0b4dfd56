"""What no restart can mend ends the service, instead of being tried again and again."""

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.process.service import DEADLINE_SECONDS, Service


def test_a_child_that_refuses_its_configuration_stops_the_whole_service(service: Service) -> None:
    process = service.start("run")
    service.wait_rows("SELECT 1 FROM processes WHERE role = 'worker'")
    file = service.folder / "scheduler.toml"
    file.write_text(file.read_text() + "max_rss_mb = -1\n")
    os.kill(service.pids("worker")[0], signal.SIGKILL)
    assert process.wait(DEADLINE_SECONDS) == 2
    assert service.living() == []
    said = service.read_log()
    assert said.count("error: ") == 1
    assert f"error: {file}: max_rss_mb: must be a whole number" in said
    assert "the worker refuses its configuration" in said


def test_a_service_that_cannot_start_starts_nothing(service: Service) -> None:
    file = service.folder / "scheduler.toml"
    file.write_text(file.read_text() + 'preload = ["no_such_module"]\n')
    done = service.run("run")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {file}: preload: there is no module no_such_module")
    assert not service.database.exists()


@pytest.mark.parametrize(
    "content",
    [b"precious notes, no database\n" * 40, b"short", b"SQLite format 3\0" + bytes(1000)],
    ids=["text", "short text", "the beginning of a database"],
)
def test_a_file_that_is_no_database_is_left_alone_and_nothing_is_started(
    service: Service, content: bytes
) -> None:
    service.database.write_bytes(content)
    before = service.database.read_bytes()
    file = service.folder / "scheduler.toml"
    fault = f"db_path: {service.database}: the file is not a database; correct db_path, or restore"
    done = service.run("run")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {file}: {fault}")
    checked = service.run("check")
    assert checked.returncode == 2
    assert checked.stdout.count("is not a database") == 1
    assert service.database.read_bytes() == before


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
@pytest.mark.parametrize(
    ("key", "table", "column"),
    [
        ("db_path", "notes", "text"),
        ("db_path", "schema_migration", "name"),  # another one of peewee's migrations
        ("db_path", "schema_migration", "version"),
        ("queue_path", "notes", "text"),
        ("queue_path", "task", "title"),  # Huey has a table of this name
    ],
)
def test_another_applications_database_is_left_alone_and_nothing_is_started(
    service: Service, key: str, table: str, column: str, journal_mode: str
) -> None:
    path = {"db_path": service.database, "queue_path": service.folder / "scheduler-queue.db"}[key]
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute(f"PRAGMA journal_mode = {journal_mode}")
        theirs.execute(f"CREATE TABLE {table} ({column} TEXT)")
        theirs.execute(f"INSERT INTO {table} VALUES ('0001_initial')")
        theirs.commit()
    before = path.read_bytes(), sorted(os.listdir(service.folder))
    fault = (
        f"{key}: {path}: the file is another application's database, it has a table {table};"
        f" correct {key} to name a file of its own"
    )
    for command in ("run", "ticker", "worker", "scan"):
        done = service.run(command)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"error: {service.folder / 'scheduler.toml'}: {fault}\n"
    checked = service.run("check")
    assert checked.returncode == 2
    assert checked.stdout.count("another application's database") == 1
    assert (path.read_bytes(), sorted(os.listdir(service.folder))) == before


def test_a_servers_database_with_a_table_in_the_place_of_ours_is_left_alone(
    postgres_url: str, make_service: Callable[..., Service]
) -> None:
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("CREATE TABLE settings (theirs TEXT)")
    service = make_service(database_url=postgres_url)
    assert service.start("run").wait(DEADLINE_SECONDS) == 2
    fault = "error: database_url: the database has a table settings that is not this scheduler's"
    assert fault in service.read_log()
    checked = service.run("check")
    assert checked.stdout.count("has a table settings") == 1
    with psycopg.connect(postgres_url) as server:
        found = server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert found.fetchall() == [("settings",)]
