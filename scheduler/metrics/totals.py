"""Counters and histograms of ended runs: they only grow, whatever retention deletes."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

from scheduler.db.ended_runs import EndedRun

LATENESS_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
DURATION_BOUNDS = (0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14400)


class Histogram:
    """Counts values by the bound they do not exceed, as Prometheus does (`le`)."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count one value; one below zero, by a clock that was set, counts as zero."""
        value = max(value, 0.0)
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Return (bound, how many values do not exceed it), the last bound `+Inf`."""
        total, cumulated = 0, []
        for bound, count in zip((*self._bounds, "+Inf"), self._counts, strict=True):
            total += count
            cumulated.append((str(bound), float(total)))
        return cumulated


class Totals:
    """What has been counted of ended attempts.

    `runs` by (function id, status). Lateness: of first attempts of slots, from slot to start.
    """

    def __init__(self) -> None:
        self.runs: Counter[tuple[int, str]] = Counter()
        self.durations = Histogram(DURATION_BOUNDS)
        self.lateness = Histogram(LATENESS_BOUNDS)

    def add(self, ended: Iterable[EndedRun]) -> None:
        """Count attempts, each of them once."""
        for run in ended:
            self.runs[run.function_id, run.status] += 1
            if run.started_at is None:
                continue
            if run.finished_at is not None:
                self.durations.add(run.finished_at - run.started_at)
            if run.trigger == "schedule" and run.attempt == 1:
                self.lateness.add(run.started_at - run.scheduled_for)
