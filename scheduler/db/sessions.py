"""The sessions of a PostgreSQL server: it must not keep the locks of one that stands still."""

from scheduler.db.statements import reading, rows
from scheduler.models import TABLES

# Between two statements the server itself gives up on a client (idle_in_transaction_session_timeout
# in scheduler.postgres). Not between the messages of one request: there it waits for ever, with all
# locks, for what a stopped client has not sent yet.
STALLED_SECONDS = 5
# Ours hold a lock of our tables; a COPY of somebody else waits for its client in the same way.
_END_STALLED = """
    SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity AS session
    WHERE datname = current_database() AND usename = current_user
        AND application_name = current_setting('application_name')
        AND state = 'active' AND wait_event = 'ClientRead'
        AND query_start < clock_timestamp() - make_interval(secs => ?)
        AND EXISTS (
            SELECT 1 FROM pg_locks WHERE pg_locks.pid = session.pid
                AND relation IN (SELECT to_regclass(name) FROM unnest(?::text[]) AS name)
        )
"""


def end_stalled() -> list[int]:
    """End our sessions whose client stopped in the middle of a request; return the server's pids.

    Not for SQLite, where the kernel holds the locks of a process as long as it lives.
    """
    names = [model._meta.table_name for model in TABLES]
    with reading():
        return [pid for pid, _ in rows(_END_STALLED, [STALLED_SECONDS, names])]
