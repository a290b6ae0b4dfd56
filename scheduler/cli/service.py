"""The commands that are processes of the service: run, ticker, worker, scan, tui.

Signal handlers come first, before the imports that take time: process 1 of a container ignores a
signal that it does not handle.
"""

import os
import sys
from collections.abc import Callable

from scheduler.cli.context import Context
from scheduler.clock import Clock
from scheduler.drivers import only_drivers_for
from scheduler.errors import EXIT_FAILED, EXIT_OK, SchedulerError, UsageError
from scheduler.stopping import StopSignal

_PROGRESS_AFTER_SECONDS = 1.0


def run(context: Context) -> int:
    """Run the ticker and the workers as children until told to stop."""
    stop = StopSignal.install()
    from scheduler.cli.refusals import demand_to_start
    from scheduler.supervisor import run_service

    demand_to_start(context.config)
    return run_service(context.config, context.args.workers, stop)


def ticker(context: Context) -> int:
    """Run the ticker in this process until told to stop."""
    stop = StopSignal.install()
    with only_drivers_for(context.config.database_url, context.config.queue_url):
        from scheduler.cli.refusals import demand_to_start
        from scheduler.ticker import run_ticker

    demand_to_start(context.config)
    return run_ticker(context.config, stop)


def worker(context: Context) -> int:
    """Run one worker in this process until told to stop."""
    stop = StopSignal.install()
    with only_drivers_for(context.config.database_url, context.config.queue_url):
        from scheduler.cli.refusals import demand_to_start
        from scheduler.worker import run_worker

    demand_to_start(context.config)
    concurrency = context.args.concurrency or context.config.worker_concurrency
    return run_worker(context.config, concurrency, stop)


def tui(context: Context) -> int:
    """Open the console; it needs a terminal on both ends."""
    if not (os.isatty(0) and os.isatty(1)):  # sys.stdin is None where a daemon's parent closed it
        raise UsageError("not a terminal; use `scheduler status [--json]`")
    from scheduler.tui import run_console

    return run_console(
        context.config,
        read_only=context.args.read_only,
        ascii=context.args.ascii,
        theme=context.args.theme,
        mouse=not context.args.no_mouse,
    )


def scan(context: Context) -> int:
    """Scan once and say what was found; fails if any file could not be scanned.

    What a file did besides, a warning, is no failure: its functions run.
    """
    with only_drivers_for(context.config.database_url, context.config.queue_url):
        from scheduler.cli.refusals import demand_to_start
        from scheduler.logs import configure_logging
        from scheduler.maintenance.scanning import scan_once

    demand_to_start(context.config)
    configure_logging(context.config)
    summary = scan_once(context.config, _progress(context.clock))
    if summary is None:
        raise SchedulerError("another process is scanning still; `scheduler status` shows it")
    if context.args.json:
        context.screen.json(summary)
    else:
        for error in summary.errors:
            context.screen.line(f"{context.screen.paint('✗', 'bad')} {error}")
        for warning in summary.warnings:
            context.screen.line(f"{context.screen.paint('!', 'warn')} {warning}")
        if summary.errors or summary.warnings:
            hint = "`scheduler errors` shows the tracebacks and the output"
            context.screen.line(context.advised(hint))
    return EXIT_FAILED if summary.errors else EXIT_OK


def _progress(clock: Clock) -> Callable[[int, int], None] | None:
    """Return what shows on a terminal how far a long scan is, None where nobody sees it."""
    if not sys.stderr.isatty():
        return None
    started = clock.monotonic()

    def show(done: int, total: int) -> None:
        if clock.monotonic() - started > _PROGRESS_AFTER_SECONDS:
            end = "\r" if done < total else "\r\x1b[K"
            print(f"scanned {done:,} of {total:,} files", end=end, file=sys.stderr, flush=True)

    return show
