"""Turns arguments into a namespace; what argparse would print as usage becomes one UsageError."""

from argparse import SUPPRESS, Action, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import Any, NoReturn

from scheduler import __version__
from scheduler.cli.commands import COMMANDS, GROUPS, Command
from scheduler.errors import UsageError
from scheduler.wording import did_you_mean


def parse(arguments: Sequence[str]) -> Namespace:
    """Return the namespace with `command` and its arguments; raises UsageError, one line long."""
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:2], "--help"]
    parser = make_parser()
    known, rest = parser.parse_known_args(arguments)
    if rest:
        see = f"`scheduler {known.command} --help`" if known.command else "`scheduler --help`"
        raise UsageError(f"unknown argument '{rest[0]}'; see {see}")
    if known.command is None:
        raise UsageError("no command given; `scheduler --help` lists them")
    if known.config is not None and not known.reads_config:
        name = f"scheduler {known.command}"
        raise UsageError(
            f"`{name}` reads no configuration; leave out --config, see `{name} --help`"
        )
    return known


def make_parser() -> ArgumentParser:
    """Build the parser from the table of commands."""
    parser = _Parser(
        prog="scheduler",
        description=_overview(),
        formatter_class=RawDescriptionHelpFormatter,
        usage="scheduler [--config FILE] COMMAND ...",
        allow_abbrev=False,
    )
    _add_common(parser, missing=None)
    parser.add_argument("--version", action="version", version=f"scheduler {__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", help=SUPPRESS, prog="scheduler"
    )
    for command in COMMANDS:
        added = commands.add_parser(command.name, description=command.does, allow_abbrev=False)
        _add_command(added, command)
    return parser


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `{self.prog} --help`")

    def _check_value(self, action: Action, value: Any) -> None:
        if action.dest == "command" and value not in (names := list(action.choices or ())):
            hint = did_you_mean(value, names) or "`scheduler --help` lists the commands"
            raise UsageError(f"there is no command '{value}'; {hint}")
        super()._check_value(action, value)


_FILE = "configuration (default: $SCHEDULER_CONFIG, else ./scheduler.toml)"


def _add_common(parser: ArgumentParser, *, missing: object, file: str = _FILE) -> None:
    """Add what goes before or after the command; after it, absence must not undo the first."""
    parser.add_argument("--config", metavar="FILE", default=missing, help=file)
    parser.add_argument(
        "--debug", action="store_true", default=missing, help="show tracebacks of errors"
    )


def _add_command(parser: ArgumentParser, command: Command) -> None:
    _add_common(parser, missing=SUPPRESS, file=_FILE if command.reads_config else SUPPRESS)
    parser.set_defaults(reads_config=command.reads_config)
    for argument in command.arguments:
        parser.add_argument(argument.flag, **argument.options)


def _overview() -> str:
    lines = ["Runs Python functions on time: decorate one with @schedule in a scanned folder."]
    for group, title in GROUPS.items():
        lines += ["", f"{title}:"]
        lines += [f"  {c.name:<9} {c.does}" for c in COMMANDS if c.group == group]
    return "\n".join(lines)
