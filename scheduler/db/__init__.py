"""All access to the database: a module a subject, a function a question or a change of state.

The four names below are loaded when they are asked for: who reads on a connection of his own, as
the console does, need not wait for peewee.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scheduler.db.due import fetch_due_functions
    from scheduler.db.runs import insert_run_log
    from scheduler.db.schema import init_schema
    from scheduler.db.upserts import upsert_scheduled_function

__all__ = ["fetch_due_functions", "init_schema", "insert_run_log", "upsert_scheduled_function"]

_HOMES = {
    "fetch_due_functions": "due",
    "init_schema": "schema",
    "insert_run_log": "runs",
    "upsert_scheduled_function": "upserts",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
