"""Is the site up, and how fast? The answers go into an SQLite database."""

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from urllib.request import ProxyHandler, build_opener

from local_site import local_site
from places import data_file

from scheduler import schedule

_direct = build_opener(ProxyHandler({}))  # a proxy would be asked for this machine's own pages


@schedule(timedelta(seconds=15), timeout=timedelta(seconds=10), retries=1)
def check_local_site() -> int:
    """Ask a local site for its front page and record status and milliseconds."""
    with local_site() as url:
        began = time.perf_counter()
        with _direct.open(url, timeout=5) as answer:
            answer.read()
            status: int = answer.status
        milliseconds = 1000 * (time.perf_counter() - began)
    print(f"{url} answered {status} in {milliseconds:.1f} ms")
    _record(status, milliseconds)
    return status


def _record(status: int, milliseconds: float) -> None:
    with closing(sqlite3.connect(data_file("checks.db"))) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS checks (at TEXT, status INT, ms REAL)")
        database.execute(
            "INSERT INTO checks VALUES (?, ?, ?)",
            (datetime.now(UTC).isoformat(timespec="seconds"), status, milliseconds),
        )
