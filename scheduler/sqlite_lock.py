"""The locks of a SQLite database, waited for at our own pace.

SQLite itself looks again after 1, 2, 5, 10, 15, 20 ... up to 100 ms: the longer somebody has waited
the more often others go ahead, and who finds the lock taken for 5 ms may wait for 18.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from scheduler.clock import monotonic_time, sleep

T = TypeVar("T")

BUSY_TIMEOUT_SECONDS = 30
_SHARE = 0.1  # of what one has waited so far, until the next look
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.0005, 0.01


OUR_PACE = {"busy_timeout": 0}
"""The pragma by which SQLite raises at once when others hold a lock; then `when_free` waits."""


@contextmanager
def waiting_natively(connection: sqlite3.Connection, seconds: float) -> Iterator[None]:
    """Have SQLite wait by itself, for a library that executes on a connection with `OUR_PACE`."""
    connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")
    try:
        yield
    finally:
        connection.execute("PRAGMA busy_timeout = 0")


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Tell whether it failed only because others hold a lock."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def when_free(
    attempt: Callable[[], T],
    seconds: float = BUSY_TIMEOUT_SECONDS,
    *,
    monotonic: Callable[[], float] = monotonic_time,
    pause: Callable[[float], None] = sleep,
) -> T:
    """Return what `attempt()` does, made again as long as others hold the lock.

    Raises its OperationalError when they keep it for so many seconds, and any other at once.
    """
    began = monotonic()
    while True:
        try:
            return attempt()
        except sqlite3.OperationalError as error:
            waited = monotonic() - began
            if not is_busy(error) or waited >= seconds:
                raise
        pause(min(max(_SHARE * waited, _SHORTEST_SECONDS), _LONGEST_SECONDS))
