"""Metrics for Prometheus: served by the ticker, or printed once; needs the extra `metrics`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.db.ended_runs import Query
from scheduler.errors import MissingDriverError

if TYPE_CHECKING:
    from scheduler.metrics.server import MetricsServer


def require_client(what: str) -> None:
    """Raise MissingDriverError, which names what asks for it, unless the library is installed."""
    try:
        import prometheus_client  # noqa: F401
    except ImportError as error:
        raise MissingDriverError(
            f"{what}: metrics need prometheus-client; pip install 'slotkeeper[metrics]'"
        ) from error


def make_server(
    config: Config, *, clock: Clock, tick_age_seconds: Callable[[], float]
) -> "MetricsServer | None":
    """Return what serves `metrics_port`, None where it is 0."""
    if config.metrics_port == 0:
        return None
    from scheduler.metrics.server import MetricsServer

    return MetricsServer(config, clock=clock, tick_age_seconds=tick_age_seconds)


def render(config: Config, *, query: Query, clock: Clock) -> str:
    """Return all metrics as text, the counters of all retained runs."""
    from prometheus_client import CollectorRegistry, generate_latest

    from scheduler.metrics.collector import ServiceCollector

    registry = CollectorRegistry(auto_describe=False)
    registry.register(ServiceCollector(config, query=query, clock=clock))
    return generate_latest(registry).decode()
