"""Drivers stay out of processes that need none."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from scheduler.drivers import only_drivers_for


def test_a_driver_without_a_url_cannot_be_imported_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "psycopg2", raising=False)
    with only_drivers_for(None, "redis://host"), pytest.raises(ModuleNotFoundError):
        importlib.import_module("psycopg2")
    assert "psycopg2" not in sys.modules


def test_the_driver_of_a_url_is_found() -> None:
    with only_drivers_for("postgresql://host/db", None):
        assert importlib.import_module("psycopg")


@pytest.mark.parametrize("role", ["ticker", "worker"])
def test_a_service_on_sqlite_loads_no_drivers_and_no_event_loop(role: str) -> None:
    program = (
        "import sys\nfrom scheduler.drivers import only_drivers_for\n"
        f"with only_drivers_for(None, None):\n    import scheduler.{role}\n"
        "print(*{'psycopg', 'redis', 'asyncio', 'ssl', 'urwid'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.stdout.split() == [], done.stderr


@pytest.mark.parametrize("command", [["status"], ["list"], ["runs"], ["explain", "a.b"], ["prune"]])
def test_a_command_on_sqlite_loads_no_drivers(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "scheduler.toml").write_text('scan_paths = ["."]\n')
    program = (
        "import sys\nfrom scheduler.cli import main\n"
        f"main({command!r})\n"
        "print(*{'psycopg', 'redis', 'asyncio', 'ssl'} & sys.modules.keys())\n"
        "assert 'peewee' in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.split() == [], done.stderr
