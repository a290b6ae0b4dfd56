"""All access to the database: a module a subject, a function a question or a change of state."""

from scheduler.db.runs import insert_run_log
from scheduler.db.schema import init_schema
from scheduler.db.ticks import fetch_due_functions
from scheduler.db.upserts import upsert_scheduled_function

__all__ = ["fetch_due_functions", "init_schema", "insert_run_log", "upsert_scheduled_function"]
