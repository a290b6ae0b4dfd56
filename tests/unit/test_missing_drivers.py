"""A back end whose driver is not installed: one line that says what to install."""

import sys
from pathlib import Path

import pytest

from scheduler.cli import main
from scheduler.config import load_config
from scheduler.errors import MissingDriverError
from scheduler.queue import open_queue

POSTGRES = "postgresql://me:secret@host/record"


@pytest.mark.parametrize("command", ["status", "ticker", "worker", "scan", "health"])
def test_a_database_without_its_driver_is_told_by_every_command(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "scheduler.toml"
    file.write_text(f'scan_paths = ["functions"]\ndatabase_url = "{POSTGRES}"\n')
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "scheduler.postgres", raising=False)

    assert main([command, "--config", str(file)], {}) != 0

    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert "database_url: " in said
    assert "; pip install 'slotkeeper[postgres]'" in said
    assert "secret" not in said


def test_check_tells_a_missing_driver_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "functions").mkdir()
    file = tmp_path / "scheduler.toml"
    file.write_text(f'scan_paths = ["functions"]\ndatabase_url = "{POSTGRES}"\n')
    file.chmod(0o600)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "scheduler.postgres", raising=False)
    monkeypatch.setattr("scheduler.cli.refusals.find_spec", lambda name: None)

    assert main(["check", "--config", str(file)], {}) == 2

    assert capsys.readouterr().out.count("psycopg") == 1


@pytest.mark.parametrize(
    ("url", "package", "remedy"),
    [
        (
            POSTGRES,
            "psycopg",
            "queue_url: PostgreSQL needs psycopg 3; pip install",
        ),
        (
            "redis://host",
            "redis",
            "queue_url: Redis needs its client; pip install",
        ),
    ],
)
def test_a_queue_without_its_driver_is_told(
    url: str, package: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"SCHEDULER_SCAN_PATHS": str(tmp_path), "SCHEDULER_QUEUE_URL": url}
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "scheduler.postgres", raising=False)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(MissingDriverError) as told:
        open_queue(load_config(None, environ), "0123456789abcdef")

    assert str(told.value).startswith(remedy)
