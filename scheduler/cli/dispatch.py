"""Calls one command and turns whatever it raises into one line and an exit code."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from importlib import import_module

from scheduler.cli.commands import COMMANDS, Command
from scheduler.cli.context import Context
from scheduler.cli.parsing import parse
from scheduler.clock import SystemClock
from scheduler.drivers import only_drivers_for
from scheduler.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, ConfigError, SchedulerError


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run the command line and return its exit code, one of `errors`."""
    arguments = sys.argv[1:] if argv is None else argv
    _ensure_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a name is no error
    try:
        code = _call(arguments, os.environ if environ is None else environ)
        sys.stdout.flush()
    except BrokenPipeError:
        _abandon_stdout()
        return EXIT_OK  # whoever read our output has seen enough
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the one place where errors become exit codes
        return _report(error, with_traceback="--debug" in arguments)
    return code


def _ensure_standard_streams() -> None:
    """Put the null device where a daemon's parent closed a standard stream.

    Else the next file that is opened gets its number, and whoever prints writes into that file.
    """
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - open as long as we live
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


def _call(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    try:
        args = parse(arguments)
    except SystemExit as stop:  # argparse has printed the help or the version
        return int(stop.code or 0)
    command = next(c for c in COMMANDS if c.name == args.command)
    context = Context(args, environ, SystemClock())
    try:
        return _load(command, context)(context)
    except SchedulerError as error:
        return _report(error, with_traceback=bool(args.debug), advised=context.advised)


def _load(command: Command, context: Context) -> Callable[[Context], int]:
    """Import what the command needs, without the drivers of servers that it does not talk to.

    The processes of the service see to that themselves: their signal handlers come first.
    """
    module, _, function = command.target.partition(":")
    is_service = command.group == "service"
    with nullcontext() if is_service else only_drivers_for(*context.server_urls()):
        loaded = import_module(f"scheduler.cli.{module}")
    run: Callable[[Context], int] = getattr(loaded, function)
    return run


def _report(
    error: Exception,
    *,
    with_traceback: bool,
    advised: Callable[[str], str] = lambda text: text,
) -> int:
    if with_traceback:
        from traceback import print_exception

        print_exception(error)
    if isinstance(error, ConfigError):
        lines = error.problems
    elif isinstance(error, SchedulerError):
        lines = [str(error)]
    else:
        lines = [f"unexpected {type(error).__name__}: {error}; --debug shows where it came from"]
    for line in lines:
        print(f"error: {advised(' '.join(line.splitlines()))}", file=sys.stderr)
    return error.exit_code if isinstance(error, SchedulerError) else EXIT_FAILED


def _abandon_stdout() -> None:
    """Give the interpreter something to flush into at exit, else it complains."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
