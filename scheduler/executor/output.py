"""What a run printed: the first and the last half of a limit, and how much it was in all."""

from scheduler.clock import Clock
from scheduler.executor.process import ExecutorProcess
from scheduler.runner.text import clean

DRAIN_SECONDS = 0.1  # how long output is read after the end; a grandchild may hold the pipe


class Output:
    """Keeps at most `limit_bytes` (and a little) of a stream of any length."""

    def __init__(self, limit_bytes: int) -> None:
        self.total_bytes = 0
        self._half = max(1, limit_bytes // 2)
        self._head = bytearray()
        self._tail = bytearray()

    def add(self, chunk: bytes) -> None:
        """Take in what was read."""
        self.total_bytes += len(chunk)
        room = self._half - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        self._tail += chunk
        if len(self._tail) > 4 * self._half:  # rarely, so that each byte is moved about once
            del self._tail[: -self._half]

    def text(self) -> str | None:
        """Return the text so far, None if there was none; invalid UTF-8 becomes U+FFFD."""
        if not self.total_bytes:
            return None
        tail = self._tail[-self._half :]
        left_out = self.total_bytes - len(self._head) - len(tail)
        gap = f"\n... {left_out} bytes left out ...\n".encode() if left_out else b""
        return clean((self._head + gap + tail).decode("utf-8", "replace"))


def drain(executor: ExecutorProcess, output: Output, clock: Clock) -> None:
    """Take in what a run that has ended had printed and nobody has read."""
    chunk = executor.read_output()
    if not chunk:
        return
    until = clock.monotonic() + DRAIN_SECONDS
    while chunk and clock.monotonic() < until:
        output.add(chunk)
        chunk = executor.read_output()
