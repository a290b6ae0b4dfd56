"""`errors`: the files that cannot be scanned, and why."""

from scheduler.cli.context import Context
from scheduler.cli.screen import Screen
from scheduler.db.report_rows import ScanErrorReport
from scheduler.db.reports import list_scan_errors
from scheduler.errors import EXIT_OK


def errors(context: Context) -> int:
    """Print every scan error with the end of its traceback."""
    context.open_database()
    found = list_scan_errors()
    if context.args.json:
        context.screen.json(found)
        return EXIT_OK
    if not found:
        context.screen.line("No scan errors.")
    for number, error in enumerate(found):
        if number:
            context.screen.line()
        _print(context.screen, error, since=context.times.ago(error.first_seen_at))
    return EXIT_OK


def _print(screen: Screen, error: ScanErrorReport, *, since: str) -> None:
    line = f", line {error.line}" if error.line else ""
    screen.line(f"{screen.paint('✗', 'bad')} {screen.paint(error.path, 'bold')}{line}, {since}")
    for text in (error.traceback or f"{error.error_type}: {error.message}").rstrip().splitlines():
        screen.line(f"  {text}")
