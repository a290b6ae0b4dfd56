"""Many slots at one instant: moves functions there and tells when the last had been enqueued."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from scheduler.db.statements import change, transaction
from scheduler.sqlite_file import sqlite_address
from tests.bench.stage import PATIENCE_SECONDS, opened
from tests.process.service import Service

DAY_SECONDS = 86400.0
LEAD_SECONDS = 3.0
_LOOK_SECONDS = 0.002


def move_slots(service: Service) -> float:
    """Give all functions their next slot at one instant, a few seconds from now; return it.

    The files say tomorrow: so the instant need not guess how long the first scan takes.
    """
    instant = float(int(time.time() + LEAD_SECONDS))
    with opened(service), transaction():
        change("UPDATE scheduled_functions SET anchor_at = ?, next_run_at = ?", [instant, instant])
    return instant


def wait_rows(service: Service, count: int) -> float:
    """Return when so many runs had been committed, give or take 2 ms; cheap to ask."""
    until = time.monotonic() + PATIENCE_SECONDS
    with _reader(service) as connection:
        while True:
            ((last_id,),) = connection.execute("SELECT MAX(id) FROM run_logs").fetchall()
            if (last_id or 0) >= count:
                return time.time()
            assert time.monotonic() < until, f"{last_id} of {count} runs: {service.read_log()}"
            time.sleep(_LOOK_SECONDS)


@contextmanager
def _reader(service: Service) -> Iterator[Any]:
    """Yield one connection for many looks: opening one costs more than the look."""
    with opened(service) as config:
        url = config.database_url
    if url is None:
        address = sqlite_address(service.database, "ro")
        with closing(sqlite3.connect(address, uri=True, timeout=30)) as connection:
            yield connection
        return
    import psycopg

    with psycopg.connect(url, autocommit=True) as server:
        yield server
