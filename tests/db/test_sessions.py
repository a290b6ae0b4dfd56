"""What a stopped client has locked on PostgreSQL is free again after seconds."""

from collections.abc import Callable
from contextlib import closing

import pytest

from scheduler.config import Config
from scheduler.db import sessions
from scheduler.db.sessions import fetch_stalled
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


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "STALLED_SECONDS", 0)


def test_a_session_that_stands_still_within_a_request_is_ended(url: str) -> None:
    with standing_still(url, ROW) as other:
        (stalled,) = wait_for(fetch_stalled, "the session to be found")
        assert stalled.pid == other.info.backend_pid
        assert sessions.end(stalled)
        wait_for(lambda: is_free(url, ROW), "its lock to be free")
    assert not sessions.end(stalled)


@pytest.mark.usefixtures("_at_once")
def test_a_session_that_has_gone_on_is_left_alone(url: str) -> None:
    with standing_still(url, ROW) as other:
        (stalled,) = wait_for(fetch_stalled, "the session to be found")
        other.execute("SELECT 1")
        (later,) = wait_for(lambda: fetch_stalled() - {stalled}, "the next part of its request")
        assert not sessions.end(stalled)
        assert sessions.end(later)


@pytest.mark.usefixtures("_at_once")
@pytest.mark.parametrize(
    "do",
    [
        lambda connection: None,
        lambda connection: connection.pgconn.send_query(b"SELECT pg_sleep(60)"),
    ],
    ids=["between two statements", "busy"],
)
def test_a_session_of_which_the_server_waits_for_nothing_is_not_found(
    url: str, do: Callable[[Connection], object]
) -> None:
    with closing(connect(url)) as other:
        other.execute("BEGIN")
        other.execute(ROW.encode())
        do(other)
        wait_for(lambda: not is_free(url, ROW), "the row to be locked")
        assert fetch_stalled() == set()


@pytest.mark.usefixtures("_at_once")
def test_a_copy_into_a_table_of_somebody_else_goes_on(url: str) -> None:
    with closing(connect(url)) as loader:
        loader.execute("CREATE TABLE theirs (text TEXT)")
        with loader.cursor().copy("COPY theirs FROM STDIN") as copy:
            copy.write_row(["first"])
            assert fetch_stalled() == set()
            copy.write_row(["second"])


@pytest.mark.usefixtures("_at_once")
def test_the_sessions_of_other_programs_are_left_alone(url: str) -> None:
    with standing_still(f"{url}?application_name=psql", ROW):
        assert fetch_stalled() == set()


@pytest.mark.usefixtures("server")
def test_a_role_may_end_its_own_sessions_by_default() -> None:
    assert sessions.may_end_sessions()
