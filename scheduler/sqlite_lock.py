"""The write lock of a SQLite database, waited for at our own pace.

SQLite itself looks again after 1, 2, 5, 10, 15, 20 ... up to 100 ms: the longer somebody has waited
the more often others go ahead, and who finds the lock taken for 5 ms may wait for 18.
"""

import sqlite3
from collections.abc import Callable

from scheduler.clock import monotonic_time, sleep

BUSY_TIMEOUT_SECONDS = 30
_SHARE = 0.1  # of what one has waited so far, until the next look
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.0005, 0.01


def begin_immediate(
    connection: sqlite3.Connection,
    *,
    monotonic: Callable[[], float] = monotonic_time,
    pause: Callable[[float], None] = sleep,
) -> None:
    """Begin a write transaction; raises OperationalError when others keep the lock for 30 s."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        began = monotonic()
        while (fault := _try_to_begin(connection)) is not None:
            waited = monotonic() - began
            if waited >= BUSY_TIMEOUT_SECONDS:
                raise fault
            pause(min(max(_SHARE * waited, _SHORTEST_SECONDS), _LONGEST_SECONDS))
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")


def _try_to_begin(connection: sqlite3.Connection) -> sqlite3.OperationalError | None:
    """Return None if the lock is ours, and the fault if others hold it."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return error
    return None
