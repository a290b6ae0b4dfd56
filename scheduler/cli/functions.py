"""`list`: the functions, their schedules and when they run."""

from scheduler.cli.context import Context
from scheduler.cli.screen import Cell, Column
from scheduler.cli.states import function_state, is_late
from scheduler.cli.times import Times
from scheduler.db.report_rows import FunctionReport
from scheduler.db.reports import list_functions as read_functions
from scheduler.errors import EXIT_OK
from scheduler.phrases import short
from scheduler.wording import duration, span

_COLUMNS = (
    Column("STATE"),
    Column("FUNCTION", flexible=True),
    Column("EVERY", flexible=True),
    Column("NEXT RUN", right=True),
    Column("LAST RUN", right=True),
    Column("TOOK", right=True),
)


def list_functions(context: Context) -> int:
    """Print all functions by name."""
    context.open_database()
    functions = read_functions()
    if context.args.json:
        context.screen.json(functions)
    elif not functions:
        paths = ", ".join(map(str, context.config.scan_paths))
        context.screen.line(f"No scheduled functions yet. Decorate one with @schedule in {paths}.")
    else:
        times = context.times
        context.screen.table(_COLUMNS, [_row(function, times) for function in functions])
    return EXIT_OK


def _row(function: FunctionReport, times: Times) -> list[Cell]:
    took = None if function.running else function.last_duration_seconds  # of the run before it
    return [
        function_state(function, times.now),
        Cell(function.name),
        Cell(short(interval_seconds=function.interval_seconds, cron=function.cron), "dim"),
        _next_run(function, times),
        Cell(times.ago(function.last_started_at), "dim"),
        Cell("" if took is None else duration(took)),
    ]


def _next_run(function: FunctionReport, times: Times) -> Cell:
    if function.state != "active" or not function.enabled or function.next_run_at is None:
        return Cell("")
    if function.running and function.last_started_at is not None:
        return Cell(f"for {span(times.now - function.last_started_at)}", "busy")
    if is_late(function, times.now):
        return Cell(f"{span(times.now - function.next_run_at)} late", "warn")
    return Cell(times.until(function.next_run_at))
