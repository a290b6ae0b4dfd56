"""`errors`: the files that cannot be scanned, and why; those that only call for a warning, too."""

from scheduler.cli.context import Context
from scheduler.cli.screen import Screen
from scheduler.db.report_rows import ScanErrorReport
from scheduler.db.reports import list_scan_errors
from scheduler.errors import EXIT_OK
from scheduler.wording import visible


def errors(context: Context) -> int:
    """Print every scan error with its message and its traceback, or what the file printed."""
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
    sign = screen.paint("!", "warn") if error.severity == "warning" else screen.paint("✗", "bad")
    screen.line(f"{sign} {screen.paint(visible(error.path), 'bold')}{line}, {since}")
    said, traceback = f"{error.error_type}: {error.message}", error.traceback.rstrip()
    if said not in traceback:
        screen.line(f"  {visible(said)}")
    for text in visible(traceback).splitlines():
        screen.line(f"  {text}")
