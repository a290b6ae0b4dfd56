"""Connections to PostgreSQL that never wait for ever: the server may be stopped or cut off.

TCP tells nothing while a stopped server's kernel still acknowledges, so the client counts for
itself; and a server must not keep the locks of a client that it cannot see any more. Imports
psycopg 3, an extra: import this module only where a URL asks for it.
"""

import logging
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from scheduler.clock import monotonic_time
from scheduler.redaction import without_password

NETWORK_TIMEOUT_SECONDS = 5
# What the URL says goes before; the names are libpq's.
_PARAMETERS = {
    "application_name": "scheduler",
    "client_encoding": "UTF8",  # else a database in SQL_ASCII answers with bytes
    "connect_timeout": NETWORK_TIMEOUT_SECONDS,
    "keepalives_idle": NETWORK_TIMEOUT_SECONDS,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": NETWORK_TIMEOUT_SECONDS * 1000,
}
# For the server: give up on a client that went away or stands still inside a transaction.
_SETTINGS = {
    "idle_in_transaction_session_timeout": NETWORK_TIMEOUT_SECONDS * 1000,
    "tcp_keepalives_idle": NETWORK_TIMEOUT_SECONDS,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": NETWORK_TIMEOUT_SECONDS * 1000,
    # Every change names the state it expects; a database may be set to what fails in place of that.
    "default_transaction_isolation": r"read\ committed",
}
# What it warns of comes as an exception too; without a handler Python prints it between our lines.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


class Connection(psycopg.Connection[Any]):
    """A connection whose every answer comes within `answer_seconds` (None: whenever it comes).

    One that did not answer is closed: what it was doing is unknown.
    """

    answer_seconds: float | None = NETWORK_TIMEOUT_SECONDS

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **options: Any) -> Any:
        """As psycopg's own, with a limit."""
        return super().wait(self._limited(gen), *args, **options)

    def _limited(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        # psycopg resumes a generator whenever its socket is ready, and about ten times a second.
        started = monotonic_time()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                waited = monotonic_time() - started
                if not ready and self.answer_seconds and waited > self.answer_seconds:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer within {self.answer_seconds:g} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value


def connect(url: str) -> Connection:
    """Connect, in autocommit mode.

    Raises psycopg.Error, whose message does not hold the URL's password.
    """
    try:
        given = conninfo_to_dict(url)
        options = f"{given.pop('options', '')} {_settings()}".strip()
        parameters: dict[str, Any] = {**_PARAMETERS, **given, "options": options}
        return Connection.connect(autocommit=True, **parameters)
    except psycopg.Error as error:
        raise type(error)(without_password(str(error).strip(), url)) from None


class PostgresBell:
    """A bell by LISTEN and NOTIFY, which wakes the tickers of all hosts.

    `notify` rings it, on a connection that the process has anyway. Only who waits needs a second
    one: it opens with `reopen_if_replaced`, at the latest a second after it was lost.
    """

    def __init__(self, url: str, channel: str, *, notify: Callable[[str], None]) -> None:
        self._url = url
        self._channel = channel
        self._notify = notify
        self._listening: Connection | None = None

    def ring(self) -> None:
        """Wake all who listen, once the ring is committed."""
        self._notify(self._channel)

    def drain(self) -> bool:
        """Take all rings; return whether there were any."""
        if self._listening is None:
            return False
        try:
            return bool(list(self._listening.notifies(timeout=0)))
        except psycopg.Error:
            self.close()
            return True  # what was rung meanwhile is unknown

    def fds(self) -> tuple[int, ...]:
        """Return the socket that becomes readable with a ring."""
        if self._listening is None or self._listening.closed:
            return ()
        return (self._listening.fileno(),)

    def reopen_if_replaced(self) -> None:
        """Listen, unless that goes on already; that it failed shows in everything else."""
        if self._listening is not None and not self._listening.closed:
            return
        with suppress(psycopg.Error):
            self._listening = connect(self._url)
            self._listening.execute(f'LISTEN "{self._channel}"'.encode())

    def close(self) -> None:
        """Hear nothing any more."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None


def _settings() -> str:
    return " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
