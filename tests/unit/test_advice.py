"""A command in a remedy works as it is typed: it names the configuration where it must."""

import os
from pathlib import Path

import pytest

from scheduler.advice import COMMANDS, config_flag, with_flag
from scheduler.cli import main
from scheduler.cli.commands import COMMANDS as TABLE


def test_every_command_that_reads_the_configuration_is_known() -> None:
    assert {command.name for command in TABLE if command.reads_config} == set(COMMANDS)


def test_the_file_is_named_only_where_it_would_not_be_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert config_flag(None, {}) == ""
    assert config_flag(str(tmp_path / "scheduler.toml"), {}) == ""
    assert config_flag("my own.toml", {}) == " --config 'my own.toml'"
    elsewhere = {"SCHEDULER_CONFIG": str(tmp_path / "x" / "own.toml")}
    assert config_flag(os.path.join("x", "own.toml"), elsewhere) == ""
    assert config_flag("scheduler.toml", elsewhere) == " --config scheduler.toml"


def test_every_command_of_a_remedy_gets_the_flag_and_other_words_do_not() -> None:
    said = "the scheduler is down; `scheduler runs a.b --failed`, then scheduler run"
    flagged = "the scheduler is down; `scheduler runs --config F a.b --failed`, then scheduler run"
    assert with_flag(said, " --config F") == f"{flagged} --config F"
    assert with_flag(said, "") == said


def test_the_remedy_of_a_missing_database_names_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "own.toml"
    file.write_text('scan_paths = ["functions"]\n')
    assert main(["status", "--config", str(file)], {}) == 1
    assert f"`scheduler run --config {file}`" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    file.rename("scheduler.toml")
    assert main(["status"], {}) == 1
    assert "`scheduler run`" in capsys.readouterr().err
