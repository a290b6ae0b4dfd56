"""Collects all metrics at the moment of a scrape, from a connection that only reads."""

import threading
from collections.abc import Callable, Iterator

from prometheus_client import Metric
from prometheus_client.registry import Collector

from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.db.ended_runs import EndedRuns, Query
from scheduler.db.measurements import function_names, measure
from scheduler.errors import SchedulerError
from scheduler.maintenance.conditions import Process, judge
from scheduler.metrics import families
from scheduler.metrics.totals import Totals


class ServiceCollector(Collector):
    """What a registry asks for metrics; the counters are its memory.

    tick_age_seconds: how long ago this process last ticked; without it the tickers' heartbeats
    tell.
    """

    def __init__(
        self,
        config: Config,
        *,
        query: Query,
        clock: Clock,
        tick_age_seconds: Callable[[], float] | None = None,
    ) -> None:
        self._config = config
        self._query = query
        self._clock = clock
        self._tick_age_seconds = tick_age_seconds
        self._ended = EndedRuns(query, on_replaced=self._begin_anew)
        self._totals = Totals()
        self._names: dict[int, str] = {}
        self._lock = threading.Lock()

    def skip_past(self) -> None:
        """Begin to count now."""
        with self._lock:
            self._ended.skip_past()

    def describe(self) -> list[Metric]:
        """Nothing before it is asked for: a registry would collect at once."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics; while the database cannot be read, that and the age of the tick."""
        with self._lock:
            try:
                found = list(self._read())
            except SchedulerError:
                yield from families.always(is_readable=False, tick_age_seconds=self._own_age())
                return
        yield from found

    def _read(self) -> Iterator[Metric]:
        now = self._clock.now()
        found = measure(self._query, now)
        processes = [judge(row, self._config, now) for row in found.processes]
        self._count()
        age = self._own_age() if self._tick_age_seconds else _heartbeat_age(processes, now)
        yield from families.always(is_readable=True, tick_age_seconds=age)
        yield from families.of_state(found, processes, now)
        yield from families.of_totals(self._totals, self._names)

    def _count(self) -> None:
        for ended in self._ended.pages():
            self._totals.add(ended)
        if not {function_id for function_id, _ in self._totals.runs} <= self._names.keys():
            self._names = function_names(self._query)

    def _begin_anew(self) -> None:
        """Forget what was counted: the ids belong to other functions now."""
        self._totals, self._names = Totals(), {}

    def _own_age(self) -> float | None:
        return self._tick_age_seconds() if self._tick_age_seconds else None


def _heartbeat_age(processes: list[Process], now: float) -> float | None:
    beats = [p.heartbeat_at for p in processes if p.role == "ticker" and p.condition != "dead"]
    return max(now - max(beats), 0.0) if beats else None
