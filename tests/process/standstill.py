"""A client of PostgreSQL that stands still in the middle of a request, as a stopped one may."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import psycopg

from scheduler.postgres import Connection, connect
from tests.process.service import wait_for


@contextmanager
def standing_still(url: str, row: str) -> Iterator[Connection]:
    """Lock a row (`SELECT ... FOR UPDATE`) and do not send what makes the server commit.

    The server may end the session meanwhile.
    """
    gone = suppress(psycopg.OperationalError)
    with closing(connect(url)) as connection, gone, connection.pipeline():
        connection.execute("BEGIN")
        connection.execute(row.encode())
        wait_for(lambda: not is_free(url, row), "the row to be locked")
        yield connection


def is_free(url: str, row: str) -> bool:
    """Tell whether another one can lock the row."""
    with closing(connect(url)) as other:
        return bool(other.execute(f"{row} SKIP LOCKED".encode()).fetchall())
