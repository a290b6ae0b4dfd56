"""A small web site on a free port of this machine, for as long as somebody looks at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class _Greeting(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"It works.\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: the check prints the one line that matters."""


@contextmanager
def local_site() -> Iterator[str]:
    """Serve on 127.0.0.1 and yield the URL; afterwards neither socket nor thread is left."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Greeting) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
