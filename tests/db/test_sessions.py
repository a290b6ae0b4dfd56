"""What a stopped client has locked on PostgreSQL is free again after seconds."""

from collections.abc import Callable
from contextlib import closing

import pytest

from scheduler.config import Config
from scheduler.db import sessions
from scheduler.db.statements import change, transaction
from scheduler.postgres import Connection, connect
from tests.process.service import wait_for
from tests.process.standstill import is_free, standing_still

ROW = "SELECT 1 FROM settings WHERE key = 'locked' FOR UPDATE"


@pytest.fixture
def url(server: Config) -> str:
    """Return where a database of ours has a row to lock."""
    with transaction():
        change("INSERT INTO settings (key, value) VALUES ('locked', '')")
    return str(server.database_url)


def test_a_session_that_stands_still_within_a_request_is_ended(url: str) -> None:
    with standing_still(url, ROW) as other:
        pid = other.info.backend_pid
        assert wait_for(sessions.end_stalled, "the session to be ended") == [pid]
        wait_for(lambda: is_free(url, ROW), "its lock to be free")


@pytest.mark.parametrize(
    "do",
    [
        lambda connection: connection.execute("SELECT 1"),
        lambda connection: connection.execute("BEGIN"),
        lambda connection: connection.pgconn.send_query(b"SELECT pg_sleep(60)"),
    ],
    ids=["idle", "in a transaction", "busy"],
)
def test_a_session_that_waits_for_nothing_of_its_client_goes_on(
    url: str, do: Callable[[Connection], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "STALLED_SECONDS", 0)
    with closing(connect(url)) as other:
        do(other)
        assert sessions.end_stalled() == []


def test_a_copy_into_a_table_of_somebody_else_goes_on(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "STALLED_SECONDS", 0)
    with closing(connect(url)) as loader:
        loader.execute("CREATE TABLE theirs (text TEXT)")
        with loader.cursor().copy("COPY theirs FROM STDIN") as copy:
            copy.write_row(["first"])
            assert sessions.end_stalled() == []
            copy.write_row(["second"])


def test_the_sessions_of_other_programs_are_left_alone(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "STALLED_SECONDS", 0)
    with standing_still(f"{url}?application_name=psql", ROW):
        assert sessions.end_stalled() == []
