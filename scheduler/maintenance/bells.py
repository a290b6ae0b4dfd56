"""The bell of the tickers: rung when something became due that no tick foresaw."""

from contextlib import suppress

from scheduler.config import Config
from scheduler.db.statements import rows, transaction
from scheduler.doorbell import Bell, Doorbell
from scheduler.errors import DatabaseUnavailableError

CHANNEL = "scheduler_ticker"


def ticker_bell(config: Config) -> Bell:
    """Open the bell that wakes the tickers of this installation, on PostgreSQL those of all hosts.

    The database must be open.
    """
    if config.database_url is None:
        return Doorbell(config.db_path.with_name(f"{config.db_path.name}.ticker.bell"))
    from scheduler.postgres import PostgresBell

    return PostgresBell(config.database_url, CHANNEL, notify=_notify)


def _notify(channel: str) -> None:
    with suppress(DatabaseUnavailableError), transaction():
        rows("SELECT pg_notify(?, '')", [channel])
