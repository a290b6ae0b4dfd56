"""The driver of PostgreSQL: an extra, loaded only where a URL asks for it."""

from collections.abc import Callable
from typing import Any

from scheduler.errors import MissingDriverError


def postgres_driver() -> tuple[Callable[[str], Any], type[Exception]]:
    """Return how to connect to a URL, with time-outs, and what connections raise.

    Raises MissingDriverError without psycopg.
    """
    try:
        import psycopg

        from scheduler.postgres import connect
    except ImportError as error:
        raise MissingDriverError(
            "database_url: PostgreSQL needs psycopg 3; pip install 'slotkeeper[postgres]'"
        ) from error
    return connect, psycopg.Error
