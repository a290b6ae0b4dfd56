"""What stays wrong is told every few seconds, not each time that somebody runs into it."""

import threading
from math import inf

_MOST_LINES = 1000  # that are remembered, however many different ones come


class Repetitions:
    """Thread-safe. Remembers what was told in the last seconds, and how often it came again."""

    def __init__(self, seconds: float) -> None:
        """`seconds` are how long the same is left out after it was told."""
        self._seconds = seconds
        self._lock = threading.RLock()  # a finalizer may log while it is held
        self._told: dict[str, tuple[float, int]] = {}  # when, and how often left out since

    def admit(self, line: str, at: float) -> int | None:
        """Return how often the same was left out since it was told last; None: leave it out again.

        at: monotonic seconds.
        """
        with self._lock:
            told_at, left_out = self._told.get(line, (-inf, 0))
            if at - told_at < self._seconds:
                self._told[line] = told_at, left_out + 1
                return None
            if len(self._told) >= _MOST_LINES:
                told = list(self._told.items())
                self._told = {k: known for k, known in told if at - known[0] < self._seconds}
            if len(self._told) < _MOST_LINES:
                self._told[line] = at, 0
            return left_out
