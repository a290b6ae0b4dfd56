"""`call`: runs a function here and now in the foreground, for debugging.

Nothing is recorded and no time-out counts; `current_run()` is a first attempt with the run id 0.
"""

import asyncio
import inspect
import os
import sys
import traceback
from dataclasses import dataclass
from types import TracebackType

from scheduler.cli.context import Context
from scheduler.config import Config
from scheduler.errors import EXIT_FAILED, EXIT_OK, DatabaseUnavailableError, NotFoundError
from scheduler.redaction import SECRET_VARIABLES
from scheduler.wording import duration


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a function is, as the loader wants it."""

    scan_path: str
    module_path: str
    qualname: str


def call(context: Context) -> int:
    """Call the function; its output is the output, the result and the time it took go to stderr."""
    place = _find(context)
    from scheduler.runner.context import RunContext, set_current_run
    from scheduler.runner.loading import LoadError, load_function
    from scheduler.runner.text import with_known_names

    for name in SECRET_VARIABLES:
        os.environ.pop(name, None)
    now, started = context.clock.now(), context.clock.monotonic()
    set_current_run(RunContext(context.args.name, 0, now, 1, "manual", None))
    try:
        function = load_function(place.scan_path, place.module_path, place.qualname)
        result = function()
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
        took = duration(context.clock.monotonic() - started)
        returned = "" if result is None else f", returned {result!r}"
    except LoadError as error:
        raise NotFoundError(f"{context.args.name}: {error}; `scheduler scan` looks again") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever user code raises
        sys.stdout.flush()
        told = traceback.format_exception(type(error), error, _users_part(error.__traceback__))
        sys.stderr.write(with_known_names("".join(told)))
        return EXIT_FAILED
    print(f"{context.args.name} took {took}{returned}", file=sys.stderr)
    return EXIT_OK


def _find(context: Context) -> _Place:
    """Find it in the database, else below the scan paths: a new file needs no scan to be tried."""
    from scheduler.db.connection import close_database
    from scheduler.db.reports import find_function

    try:
        context.open_database()
        function = find_function(context.args.name)
    except (DatabaseUnavailableError, NotFoundError) as error:
        place = _find_by_path(context.config, context.args.name)
        if place is None:
            raise error from None
        return place
    finally:
        close_database()  # user code never runs in a process that has a database open
    return _Place(function.scan_path, function.module_path, function.qualname)


def _find_by_path(config: Config, name: str) -> _Place | None:
    """Find the file whose dotted path begins the name; what follows is the function."""
    from scheduler.scanner.walk import walk

    for file in walk(config.scan_paths).files.values():
        dotted = file.module_path.removesuffix(".py").replace("/", ".")
        for module in (dotted, dotted.removesuffix(".__init__")):
            qualname = name.removeprefix(f"{module}.")
            if qualname != name and qualname.isidentifier():
                return _Place(file.scan_path, file.module_path, qualname)
    return None


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    """Leave out our own frames: the user's begin behind them."""
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(
        ("scheduler.", "importlib", "_frozen_importlib", "asyncio.")
    ):
        trace = trace.tb_next
    return trace
