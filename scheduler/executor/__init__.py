"""The zygote, the executor processes it forks, and the worker's side of both."""

from scheduler.executor.batch import BatchEnd, GoingRun
from scheduler.executor.call import Call, Outcome
from scheduler.executor.client import Child, Exit, Zygote
from scheduler.executor.control import RunControl
from scheduler.executor.guards import (
    become_subreaper,
    kill_adopted,
    kill_orphans,
    missing_guards,
)
from scheduler.executor.lease import Lease
from scheduler.executor.pool import ExecutorPool

__all__ = [
    "BatchEnd",
    "Call",
    "Child",
    "ExecutorPool",
    "Exit",
    "GoingRun",
    "Lease",
    "Outcome",
    "RunControl",
    "Zygote",
    "become_subreaper",
    "kill_adopted",
    "kill_orphans",
    "missing_guards",
]
