"""What a run printed: the first and the last half of a limit, and how much it was in all."""

from scheduler.runner.text import clean


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
