"""The sessions of a PostgreSQL server: it must not keep the locks of one that stands still."""

from scheduler.db.statements import is_sqlite, reading, rows

# Between two statements the server itself gives up on a client (idle_in_transaction_session_timeout
# in scheduler.postgres). Not between the messages of one request: there it waits for ever, with all
# locks, for what a stopped client has not sent yet.
STALLED_SECONDS = 5
_END_STALLED = """
    SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user
        AND application_name = current_setting('application_name')
        AND state = 'active' AND wait_event = 'ClientRead'
        AND query_start < clock_timestamp() - make_interval(secs => ?)
"""


def end_stalled() -> list[int]:
    """End our sessions whose client stopped in the middle of a request; return the server's pids.

    None on SQLite, where the kernel holds the locks of a process as long as it lives.
    """
    if is_sqlite():
        return []
    with reading():
        return [pid for pid, _ in rows(_END_STALLED, [STALLED_SECONDS])]
