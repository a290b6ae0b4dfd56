"""`metrics`: the state of the service as text for Prometheus, once."""

from collections.abc import Sequence
from typing import Any

from scheduler.cli.context import Context
from scheduler.db.statements import reading, rows
from scheduler.errors import EXIT_OK


def metrics(context: Context) -> int:
    """Print all metrics; the counters are those of the retained runs."""
    from scheduler.metrics import render, require_client

    require_client("metrics")
    context.open_database()
    context.screen.text(render(context.config, query=_query, clock=context.clock))
    return EXIT_OK


def _query(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with reading():
        return rows(sql, params)
