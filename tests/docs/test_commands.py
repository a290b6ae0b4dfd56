"""The command table of the README is that of the code."""

from scheduler.cli.commands import COMMANDS, Argument, Command
from tests.docs.readme import section


def test_the_readme_has_every_command_with_its_arguments_and_meaning() -> None:
    heading = ["| command | does | options |", "|---|---|---|"]
    expected = "\n".join([*heading, *map(_row, COMMANDS)])

    assert expected in section("Commands"), f"the table should be:\n{expected}"


def _row(command: Command) -> str:
    words = ["scheduler", command.name]
    words += [_positional(argument) for argument in command.arguments if not _is_option(argument)]
    options = [_option(argument) for argument in command.arguments if _is_option(argument)]
    return f"| `{' '.join(words)}` | {command.does} | {' '.join(options)} |"


def _is_option(argument: Argument) -> bool:
    return argument.flag.startswith("-")


def _positional(argument: Argument) -> str:
    word: str = argument.options["metavar"]
    return f"[{word}]" if argument.options.get("nargs") == "?" else word


def _option(argument: Argument) -> str:
    choices = r"\|".join(argument.options.get("choices", ()))
    value = argument.options.get("metavar", choices)
    return f"`{argument.flag} {value}`" if value else f"`{argument.flag}`"
