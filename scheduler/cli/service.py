"""The commands that are processes of the service: run, ticker, worker, scan, tui."""

import sys

from scheduler.cli.context import Context
from scheduler.errors import EXIT_FAILED, EXIT_OK, UsageError


def run(context: Context) -> int:
    """Run the ticker and the workers as children until told to stop."""
    _configure_logging(context)
    from scheduler.supervisor import run_service

    return run_service(context.config, context.args.workers)


def ticker(context: Context) -> int:
    """Run the ticker in this process until told to stop."""
    _configure_logging(context)
    from scheduler.ticker import run_ticker

    return run_ticker(context.config)


def worker(context: Context) -> int:
    """Run one worker in this process until told to stop."""
    _configure_logging(context)
    from scheduler.worker import run_worker

    concurrency = context.args.concurrency or context.config.worker_concurrency
    return run_worker(context.config, concurrency)


def tui(context: Context) -> int:
    """Open the console; it needs a terminal on both ends."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("not a terminal; use `scheduler status [--json]`")
    from scheduler.tui import run_console

    return run_console(context.config, read_only=context.args.read_only, ascii=context.args.ascii)


def scan(context: Context) -> int:
    """Scan once and say what was found; fails if any file could not be scanned."""
    return EXIT_FAILED if context.args.json else EXIT_OK


def _configure_logging(context: Context) -> None:
    from scheduler.logs import configure_logging

    configure_logging(context.config)
