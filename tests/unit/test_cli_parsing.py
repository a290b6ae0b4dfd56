"""The command line's grammar, and how what is wrong with it is told."""

import pytest

from scheduler import __version__
from scheduler.cli import main
from scheduler.cli.commands import COMMANDS, GROUPS
from scheduler.cli.parsing import make_parser, parse
from scheduler.errors import UsageError

DESIGN = """
init check scan run ticker worker tui status list runs show errors trigger pause resume cancel
explain plan stack call health prune
"""


def test_every_command_of_the_design_exists_once() -> None:
    names = [command.name for command in COMMANDS]
    assert len(names) == len(set(names))
    assert set(names) >= set(DESIGN.split())
    assert {command.group for command in COMMANDS} == set(GROUPS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--config", "x.toml", "status"],
        ["status", "--config", "x.toml"],
        ["--config", "y.toml", "status", "--config", "x.toml"],
        ["--config=x.toml", "status", "--json"],
    ],
)
def test_the_configuration_may_be_named_before_or_after_the_command(arguments: list[str]) -> None:
    args = parse(arguments)

    assert (args.command, args.config) == ("status", "x.toml")


@pytest.mark.parametrize("command", ["init", "selftest"])
def test_a_command_that_reads_no_configuration_refuses_and_does_not_offer_one(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in ([command, "--config", "x.toml"], ["--config", "x.toml", command]):
        with pytest.raises(UsageError, match=f"`scheduler {command}` reads no configuration; "):
            parse(arguments)
    assert main([command, "--help"]) == 0
    assert "--config" not in capsys.readouterr().out


def test_options_of_a_command_have_their_defaults() -> None:
    assert parse(["runs"]).limit == 20
    assert parse(["run"]).workers == 1
    assert parse(["worker"]).concurrency is None
    assert parse(["health"]).role == "all"
    assert parse(["explain", "a.b"]).time == "now"
    assert parse(["plan", "--hours", "0.5"]).hours == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no command given"),
        (["stats"], "there is no command 'stats'; did you mean 'status'?"),
        (["xyzzy"], "there is no command 'xyzzy'; `scheduler --help` lists the commands"),
        (["runs", "--fialed"], "unknown argument '--fialed'; see `scheduler runs --help`"),
        (["--nonsense", "runs"], "unknown argument '--nonsense'"),
        (["runs", "a.b", "c.d"], "unknown argument 'c.d'"),
        (["show"], "required: RUN"),
        (["show", "x"], "argument RUN: must be a whole number from 1, not 'x'"),
        (["runs", "--limit", "0"], "must be a whole number from 1, not '0'"),
        (["runs", "--limit", "9" * 20], f"must be a whole number from 1, not '{'9' * 20}'"),
        (["run", "--workers", "101"], "at most 100 processes, not 101; worker_concurrency gives"),
        (["plan", "--hours", "nan"], "must be a number of hours above 0, up to 8784"),
        (["plan", "--hours", "-1"], "must be a number of hours above 0, up to 8784"),
        (["health", "--role", "king"], "invalid choice: 'king'"),
        (["status", "--config"], "--config: expected one argument"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError):
        parse(arguments)

    assert main(arguments) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert captured.out == ""


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"scheduler {__version__}\n"


def test_the_help_names_every_command_and_fits_80_columns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0

    text = capsys.readouterr().out
    assert all(f"  {command.name} " in text for command in COMMANDS)
    assert max(map(len, text.splitlines())) <= 80


def test_help_is_also_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    assert capsys.readouterr().out.startswith("usage: scheduler [--config FILE] COMMAND")
    assert main(["help", "runs"]) == 0
    assert capsys.readouterr().out.startswith("usage: scheduler runs")


@pytest.mark.parametrize("command", DESIGN.split())
def test_every_command_has_its_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"usage: scheduler {command}" in capsys.readouterr().out


def test_an_abbreviated_option_is_not_guessed() -> None:
    with pytest.raises(UsageError):
        make_parser().parse_args(["runs", "--fail"])
