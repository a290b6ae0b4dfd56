"""Drop a Python file into a folder, decorate a function with `@schedule`, and it runs on time."""

from scheduler.decorators import schedule
from scheduler.runner.context import RunContext, RunTerminated, current_run

__version__ = "0.1.0"
__all__ = ["RunContext", "RunTerminated", "current_run", "schedule"]
