"""The metrics as Prometheus knows them: names, types, help, samples."""

import platform
from collections.abc import Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.core import (
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.samples import Sample

from scheduler import __version__
from scheduler.db.measurements import Measurements
from scheduler.maintenance.conditions import Process
from scheduler.metrics.breathing import breathing
from scheduler.metrics.totals import Histogram, Totals

ROLES = ("ticker", "worker")
_STATES = ("active", "paused", "gone")
_SINCE = (
    "Counted since the start of the ticker that serves it; by the command: of the retained runs."
)


def always(*, is_readable: bool, tick_age_seconds: float | None) -> Iterator[Metric]:
    """Say what is known without the database."""
    version = {"version": __version__, "python": platform.python_version()}
    build = GaugeMetricFamily("scheduler_build_info", "Versions.", labels=list(version))
    build.add_metric(list(version.values()), 1)
    yield build
    yield _gauge("database_up", "1 if the database can be read.", int(is_readable))
    if tick_age_seconds is not None:
        text = (
            "Seconds since all due slots were decided; by the command: a ticker's last heartbeat."
        )
        yield _gauge("seconds_since_last_tick", text, tick_age_seconds)


def of_state(found: Measurements, processes: list[Process], now: float) -> Iterator[Metric]:
    """Say how the service is at this moment."""
    alive = _labelled("processes_alive", "Processes that live and beat.", "role")
    for role in ROLES:
        alive.add_metric([role], sum(p.is_alive for p in processes if p.role == role))
    yield alive
    slots = sum(p.slots for p in processes if p.role == "worker" and p.is_alive)
    yield _gauge("worker_slots", "Slots of the living workers.", slots)
    yield _gauge("worker_slots_busy", "Slots that execute a run.", found.queue.running)
    queue = _labelled("queue_runs", "Queued runs: may start, held, or for later.", "state")
    for state in ("waiting", "held", "delayed"):
        queue.add_metric([state], getattr(found.queue, state))
    yield queue
    oldest_at = found.queue.oldest_waiting_at
    age = 0.0 if oldest_at is None else max(now - oldest_at, 0.0)
    yield _gauge("queue_oldest_waiting_seconds", "How long the oldest waiting run waits.", age)
    yield from _functions(found)
    yield from _scans(found)


def of_totals(totals: Totals, names: dict[int, str]) -> Iterator[Metric]:
    """Say what has ended."""
    text = f"Attempts with a verdict; a streak of skipped or missed slots is one. {_SINCE}"
    runs = Metric("scheduler_runs", text, "counter")
    runs.samples = _RunSamples(totals.runs, names)
    yield runs
    yield _histogram("run_duration_seconds", "From start to end of an attempt.", totals.durations)
    text = "From a slot to the start of its first attempt."
    yield _histogram("run_lateness_seconds", text, totals.lateness)


class _RunSamples(list[Sample]):
    """Samples that exist one at a time, so that no garbage collection has to look at 20,000."""

    def __init__(self, runs: Mapping[tuple[int, str], int], names: Mapping[int, str]) -> None:
        super().__init__()
        self._runs = dict(runs)
        self._names = names

    def __iter__(self) -> Iterator[Sample]:
        for (function_id, status), count in breathing(self._runs.items()):
            labels = {"function": self._names.get(function_id, str(function_id)), "status": status}
            yield Sample("scheduler_runs_total", labels, count)


def _functions(found: Measurements) -> Iterator[Metric]:
    functions = _labelled("functions", "Scheduled functions.", "state")
    for state in _STATES:
        functions.add_metric([state], found.functions.get(state, 0))
    yield functions
    yield _gauge("functions_late", "Functions with a slot undecided for over 5 s.", found.late)
    yield _gauge("functions_failing", "Functions whose last run failed.", found.failing)


def _scans(found: Measurements) -> Iterator[Metric]:
    yield _gauge("scan_errors", "Files that cannot be scanned.", found.scan_errors)
    if found.last_scan is not None:
        at, seconds = found.last_scan.finished_at, found.last_scan.seconds
        yield _gauge("last_scan_timestamp_seconds", "When the last scan ended.", at)
        yield _gauge("last_scan_duration_seconds", "How long the last scan took.", seconds)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"scheduler_{name}", text, value=value)


def _labelled(name: str, text: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"scheduler_{name}", text, labels=[label])


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    family = HistogramMetricFamily(f"scheduler_{name}", f"{text} {_SINCE}")
    family.add_metric([], buckets=histogram.buckets(), sum_value=histogram.sum)
    return family
