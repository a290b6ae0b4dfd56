"""The console in a real terminal: the mouse, and databases that cannot be read."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from scheduler.config import Config
from tests.tui.conftest import Opener
from tests.tui.terminal import Terminal


def _mouse(console: Terminal, button: int, x: int, y: int) -> None:
    """Press and release a button as a terminal reports it; 65 is the wheel, downwards."""
    console.write(f"\x1b[<{button};{x + 1};{y + 1}M")
    if button < 64:
        console.write(f"\x1b[<{button};{x + 1};{y + 1}m")


def test_the_mouse_selects_scrolls_opens_and_sorts(opened: Opener) -> None:
    console = opened()
    console.wait_for("Functions 30", "geo.reconcile_geo_cache")
    _mouse(console, 0, 12, 6)
    console.wait_until(lambda text: "audit.export_audit_log" in text.split("\n")[-2], "a click")
    _mouse(console, 65, 12, 6)
    console.wait_until(lambda text: "audit.export" not in text.split("\n")[-2], "the wheel")
    for _ in range(2):
        _mouse(console, 0, 12, 6)
    console.wait_for("functions › audit.export_audit_log", "durations")
    console.type("esc")
    console.wait_for("sort: attention")
    _mouse(console, 0, 12, 4)
    console.wait_for("sort: name")
    console.type("m")
    console.wait_for("mouse off: the terminal selects text")
    assert b"\x1b[?1000l" in console.raw


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(b"SQLite format 3\0" + b"nonsense" * 999), "not a database"),
        (lambda path: _marked_newer(path), "newer schema - upgrade this scheduler"),
    ],
    ids=["corrupt", "newer"],
)
def test_a_database_that_cannot_be_read_is_told_in_one_line_and_waited_for(
    opened: Opener, place: Config, spoil: Callable[[Path], object], said: str
) -> None:
    good = place.db_path.read_bytes()
    for beside in place.db_path.parent.glob("scheduler.db-*"):
        beside.unlink()
    spoil(place.db_path)
    console = opened()
    assert "Traceback" not in console.wait_for(said, "waiting")
    fresh = place.db_path.with_name("fresh.db")
    fresh.write_bytes(good)
    fresh.replace(place.db_path)
    console.wait_for("Functions 30")


def _marked_newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO schema_migration (name, applied) VALUES ('9999', '2030')")
    connection.close()
