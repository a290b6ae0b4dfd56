"""The server of the queue: whether it can be reached from here."""

from scheduler.cli.refusals import missing_drivers
from scheduler.config import Config
from scheduler.redaction import safe_url

PATIENCE_SECONDS = 2  # of a command that asks besides; the least that libpq knows
REACH_REMEDY = "start it, or correct queue_url"


def find_queue_fault(config: Config, patience_seconds: int) -> str | None:
    """Say why the queue's server cannot be reached, without its password.

    None if it can be, if the queue is a file, or if a driver is missing: a refusal tells of that.
    """
    url = config.queue_url
    if url is None or any(missing_drivers(config)):
        return None
    try:
        _knock(url, patience_seconds)
    except Exception as error:  # noqa: BLE001 - two drivers with exceptions of their own
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        return f"queue_url: {safe_url(url)} cannot be reached: {reason}"
    return None


def _knock(url: str, patience_seconds: int) -> None:
    """Connect to the queue's server and let go; raises whatever its driver raises."""
    if url.startswith("redis"):
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        with Redis.from_url(
            url,
            socket_connect_timeout=patience_seconds,
            socket_timeout=patience_seconds,
            retry=Retry(NoBackoff(), 0),  # else it tries for many times as long
        ) as redis:
            redis.ping()
    else:
        from psycopg import connect

        connect(url, connect_timeout=patience_seconds).close()
