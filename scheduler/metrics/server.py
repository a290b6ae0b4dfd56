"""Serves the metrics from a thread of its own with a connection of its own; no tick waits."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server

from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.db.console_connection import ReadConnection
from scheduler.errors import SchedulerError
from scheduler.logs import event
from scheduler.metrics.collector import ServiceCollector


class MetricsServer:
    """`metrics_port` of one ticker; where it is taken, it is tried again at each step."""

    def __init__(
        self, config: Config, *, clock: Clock, tick_age_seconds: Callable[[], float]
    ) -> None:
        self._config = config
        self._connection = ReadConnection(config, when_closed=lambda: None)
        self._collector = ServiceCollector(
            config, query=self._rows, clock=clock, tick_age_seconds=tick_age_seconds
        )
        self._server: WSGIServer | None = None
        self._is_told = False

    def step(self, _now: float) -> None:
        """Listen, unless that goes on already."""
        if self._server is not None:
            return
        host, port = self._config.metrics_host, self._config.metrics_port
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self._collector)
        with suppress(SchedulerError):  # then the first scrape counts what is retained as well
            self._collector.skip_past()
        try:
            self._server, _ = start_http_server(port, host, registry)
        except (OSError, RuntimeError) as error:  # the port is taken, or there is no thread
            reason = getattr(error, "strerror", None) or error
            self._tell(f"{host}:{port}: {reason}; tried again, or set another")
            return
        event("metrics.served", address=f"{host}:{port}")

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        self._connection.close()

    def _tell(self, reason: str) -> None:
        if not self._is_told:
            self._is_told = True
            event("metrics.unserved", "warning", reason=reason)

    def _rows(self, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        self._connection.open()
        return self._connection.rows(sql, params)
