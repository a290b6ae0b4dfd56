"""The sessions of a PostgreSQL server: it must not keep the locks of one that stands still."""

from typing import NamedTuple

from scheduler.db.statements import reading, rows
from scheduler.models import TABLE_NAMES

# Between two statements the server itself gives up on a client (idle_in_transaction_session_timeout
# in scheduler.postgres). Not between the messages of one request: there it waits for ever, with all
# locks, for what a stopped client has not sent yet.
STALLED_SECONDS = 5
# Ours hold a lock of our tables; a COPY of somebody else waits for its client in the same way.
_FIND = """
    SELECT pid, extract(epoch FROM query_start)::float8 FROM pg_stat_activity AS session
    WHERE datname = current_database() AND usename = current_user
        AND application_name = current_setting('application_name')
        AND state = 'active' AND wait_event = 'ClientRead'
        AND query_start < clock_timestamp() - make_interval(secs => ?)
        AND EXISTS (
            SELECT 1 FROM pg_locks WHERE pg_locks.pid = session.pid
                AND relation IN (SELECT to_regclass(name) FROM unnest(?::text[]) AS name)
        )
"""
_END = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = ? AND extract(epoch FROM query_start)::float8 = ?
"""
_MAY_END = """
    SELECT 1 FROM pg_proc WHERE proname = 'pg_terminate_backend'
        AND has_function_privilege(oid, 'EXECUTE')
        AND has_table_privilege('pg_stat_activity', 'SELECT')
        AND has_table_privilege('pg_locks', 'SELECT')
"""


class StalledSession(NamedTuple):
    """A session of ours whose client seems to have stopped in the middle of a request."""

    pid: int  # of the server's process
    request_at: float  # seconds since 1970 of the server, when the last part of the request came


def may_end_sessions() -> bool:
    """Tell whether the server lets this role find and end sessions; by default it does."""
    with reading():
        return bool(rows(_MAY_END))


def fetch_stalled() -> set[StalledSession]:
    """Return the sessions that have waited for the rest of a request for five seconds.

    The server does not read these columns at one instant: only who is here twice stands still.
    """
    with reading():
        return {StalledSession(*row) for row in rows(_FIND, [STALLED_SECONDS, list(TABLE_NAMES)])}


def end(session: StalledSession) -> bool:
    """End a session, and so free its locks; False if it has ended or gone on by itself."""
    with reading():
        return (True,) in rows(_END, session)
