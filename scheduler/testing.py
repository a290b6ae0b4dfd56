"""What tests of scheduled code need: a clock that stands still until it is told to move."""


class SettableClock:
    """The twin of `scheduler.clock.SystemClock` for tests: it moves only by `advance` and `set`.

    ```python
    clock = SettableClock(1_700_000_000.0)
    clock.advance(60)
    assert clock.now() == 1_700_000_060.0
    ```
    """

    def __init__(self, now: float = 1_700_000_000.0, *, monotonic: float = 0.0) -> None:
        self._now = now
        self._monotonic = monotonic

    def now(self) -> float:
        """Return the wall time in UTC epoch seconds."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds that never go backwards, from an unknown start."""
        return self._monotonic

    def sleep_until(self, instant: float, *, at_most_seconds: float) -> None:
        """Let time pass until a wall time, but not more than so many seconds."""
        self.advance(max(0.0, min(instant - self._now, at_most_seconds)))

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks; raises ValueError for a negative duration."""
        if seconds < 0:
            raise ValueError(f"time cannot pass backwards ({seconds} s); use set() to set the wall")
        self._now += seconds
        self._monotonic += seconds

    def set(self, now: float) -> None:
        """Set the wall clock, forwards or back, as an administrator would; no time passes."""
        self._now = now
