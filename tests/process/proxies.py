"""A way to a server that breaks once, right after a certain commit and before its answer."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_CHUNK = 65536


class Proxy:
    """Forwards connections to a server; `url` leads through it.

    The first answer to a COMMIT on a connection over which `statement` was sent is thrown away
    with the connection.
    """

    def __init__(self, url: str, statement: bytes) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._statement = statement
        self._listener = socket.create_server(("127.0.0.1", 0))
        user = f"{parts.username}@" if parts.username else ""
        port = self._listener.getsockname()[1]
        self.url = parts._replace(netloc=f"{user}127.0.0.1:{port}").geturl()
        self.has_broken = False
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """Take no more connections, and wait for the end of those there are."""
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with self._listener, suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._threads.append(threading.Thread(target=self._forward, args=(client, server)))
                self._threads[-1].start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        was_sent = False
        with client, server, suppress(OSError):
            while True:
                for source in select.select([client, server], [], [])[0]:
                    if not (data := source.recv(_CHUNK)):
                        return
                    was_sent = was_sent or self._statement in data
                    is_confirmed = source is server and was_sent and b"COMMIT" in data
                    if is_confirmed and not self.has_broken:
                        self.has_broken = True
                        return
                    (server if source is client else client).sendall(data)


@contextmanager
def breaking_after(url: str, statement: bytes) -> Iterator[Proxy]:
    """Yield a proxy to the server of a URL."""
    proxy = Proxy(url, statement)
    try:
        yield proxy
    finally:
        proxy.close()
