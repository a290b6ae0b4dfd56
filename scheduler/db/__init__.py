"""All access to the database: a module a subject, a function a question or a change of state."""

from scheduler.db.functions import upsert_scheduled_function
from scheduler.db.runs import insert_run_log
from scheduler.db.schema import init_schema
from scheduler.db.ticks import fetch_due_functions

__all__ = ["fetch_due_functions", "init_schema", "insert_run_log", "upsert_scheduled_function"]
