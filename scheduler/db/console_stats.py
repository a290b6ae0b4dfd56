"""What the console measures of a function: how long its runs take and how late they start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

LATENESS_STEPS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0)


@dataclass(frozen=True, slots=True)
class Spread:
    """How a set of durations is spread, in seconds."""

    p50: float
    p95: float
    top: float

    @staticmethod
    def of(values: Sequence[float]) -> "Spread | None":
        """Return the nearest-rank percentiles, None without values."""
        if not values:
            return None
        ordered = sorted(values)
        half, most = (ceil(len(ordered) * share) - 1 for share in (0.5, 0.95))
        return Spread(ordered[half], ordered[most], ordered[-1])


@dataclass(frozen=True, slots=True)
class FunctionStats:
    """A function's last 24 hours by status, its durations and its lateness.

    lateness_histogram: how many runs of the last 24 hours started within each of LATENESS_STEPS,
    and in the last place how many later than all of them.
    """

    counts: Mapping[str, int]
    durations: Spread | None
    lateness: Spread | None
    queue_waits: Spread | None
    lateness_histogram: tuple[int, ...]

    @staticmethod
    def measured(
        counts: Mapping[str, int], timings: Sequence[tuple[Any, ...]], now: float
    ) -> "FunctionStats":
        """Compute from rows of slot, queued, available, started, finished, trigger, attempt."""
        durations, lateness, waits = [], [], []
        histogram = [0] * (len(LATENESS_STEPS) + 1)
        for slot, queued_at, available_at, started_at, finished_at, trigger, attempt in timings:
            if finished_at is not None:
                durations.append(max(finished_at - started_at, 0.0))
            if queued_at is not None:
                waits.append(max(started_at - max(queued_at, available_at or 0.0), 0.0))
            if trigger != "schedule" or attempt > 1:
                continue
            late = max(started_at - slot, 0.0)
            lateness.append(late)
            if started_at >= now - 86400:
                histogram[sum(late > step for step in LATENESS_STEPS)] += 1
        return FunctionStats(
            counts, Spread.of(durations), Spread.of(lateness), Spread.of(waits), tuple(histogram)
        )
