"""`scheduler tui` as people start it: in a real terminal, with real keys and real signals."""

import os
import signal
import sqlite3
import subprocess
import sys

import pytest

from scheduler.clock import SystemClock
from scheduler.config import Config
from tests.tui.conftest import Opener
from tests.tui.seed import Seed, make_database, writing

LEAVE_ALTERNATE_SCREEN = b"\x1b[?1049l"


def test_the_command_shows_the_functions_and_leaves_the_terminal_as_it_was(
    opened: Opener,
) -> None:
    console = opened()
    console.wait_for("━ 1  Functions 30", "accounts.archive_user_sessions", "? help  q quit")
    console.wait_until(lambda text: "✗✗✗✗✗" in text, "the history")
    console.type("q")
    assert console.wait_for_exit() == 0
    assert LEAVE_ALTERNATE_SCREEN in console.raw


def test_keys_work_in_a_real_terminal(opened: Opener) -> None:
    console = opened()
    console.wait_for("Functions 30")
    console.type("/", "b", "i", "l", "l", "enter")
    console.wait_for("/bill", "of 30")
    console.type("esc")
    console.wait_for("Functions 30 ━")
    console.type("enter")
    console.wait_for("functions ›", "durations")
    console.type("esc", "?")
    console.wait_for("Keys and states")


def test_ctrl_c_quits(opened: Opener) -> None:
    console = opened()
    console.wait_for("Functions 30")
    console.type("\x03")
    assert console.wait_for_exit() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_end_restores_the_terminal(opened: Opener, number: signal.Signals) -> None:
    console = opened()
    console.wait_for("Functions 30")
    console.process.send_signal(number)
    assert console.wait_for_exit() == 0
    assert LEAVE_ALTERNATE_SCREEN in console.raw
    assert b"Traceback" not in console.raw


def test_a_console_whose_window_was_closed_ends_quietly(opened: Opener) -> None:
    console = opened()
    console.wait_for("Functions 30")
    assert console.hang_up() == 0


def test_the_screen_follows_the_size_of_the_terminal(opened: Opener) -> None:
    console = opened()
    console.wait_for("Scan errors 2", "LAST 16 RUNS")
    console.resize(80, 24)
    console.wait_until(lambda text: "Errors 2" in text and "LAST RUN" not in text)
    console.resize(20, 5)
    console.wait_until(lambda text: "? help  q quit" in text.split("\n")[-1])
    console.resize(120, 36)
    console.wait_for("Scan errors 2", "LAST 16 RUNS", "? help  q quit  / filter")


def test_a_pasted_q_does_not_quit(opened: Opener) -> None:
    console = opened()
    console.wait_for("Functions 30")
    console.type("\x1b[200~qqq\x1b[201~", "2")
    console.wait_for("━ 2  Recent runs")
    assert console.process.poll() is None


def test_pastes_and_the_focus_are_told_apart_in_terminals_that_answer_no_question(
    opened: Opener,
) -> None:
    console = opened()
    console.wait_for("Functions 30")
    modes = (b"\x1b[?2004", b"\x1b[?1004")
    assert all(mode + b"h" in console.raw for mode in modes)
    console.type("q")
    assert console.wait_for_exit() == 0
    assert all(mode + b"l" in console.raw for mode in modes)


def test_a_locked_database_is_said_to_be_locked_until_it_is_free(
    opened: Opener, place: Config
) -> None:
    other = sqlite3.connect(place.db_path, isolation_level=None)
    other.execute("PRAGMA journal_mode = delete")
    console = opened()
    console.wait_for("Functions 30")
    other.execute("BEGIN EXCLUSIVE")
    console.wait_for("! locked - data is", "retrying", "accounts.archive_user_sessions")
    other.execute("COMMIT")
    other.close()
    console.wait_for("● live 2s")


def test_a_missing_database_is_waited_for(opened: Opener, place: Config) -> None:
    for path in place.db_path.parent.glob("scheduler.db*"):
        path.unlink()
    console = opened()
    console.wait_for("✗ no database", "Database not found", "connects by itself")
    make_database(place, Seed(now=SystemClock().now(), functions=7, runs=9))
    console.wait_for("Functions 7")


def test_a_database_that_is_replaced_is_opened_anew(opened: Opener, place: Config) -> None:
    console = opened()
    console.wait_for("Functions 30")
    for path in place.db_path.parent.glob("scheduler.db*"):
        path.unlink()
    make_database(place, Seed(now=SystemClock().now(), functions=7, runs=9))
    console.wait_for("Functions 7")


def test_what_others_write_appears_by_itself(opened: Opener, place: Config) -> None:
    console = opened()
    console.wait_for("Functions 30")
    with writing(place) as connection:
        connection.execute(
            "UPDATE scheduled_functions SET name = 'aaa.brand_new', last_seen_at = 9 WHERE id = 1"
        )
    console.wait_for("aaa.brand_new")


def test_pausing_in_the_console_pauses_in_the_database(opened: Opener, place: Config) -> None:
    console = opened()
    console.wait_for("Functions 30", "archive_user_sessions")
    console.type("p")
    console.wait_for("✓ paused accounts.archive_user_sessions")
    with writing(place) as connection:
        (state,) = connection.execute(
            "SELECT state FROM scheduled_functions WHERE id = 1"
        ).fetchone()
    assert state == "paused"


def test_running_now_queues_a_run(opened: Opener, place: Config) -> None:
    console = opened()
    console.wait_for("Functions 30", "archive_user_sessions")
    console.type("r")
    console.wait_for("✓ queued run ")


def test_running_a_run_again_queues_its_slot(opened: Opener, place: Config) -> None:
    console = opened()
    console.wait_for("Functions 30", "archive_user_sessions")
    console.type("2", "G")
    console.wait_for("  run 1  slot ")
    console.type("r")
    console.wait_for("for the slot of run 1")
    with writing(place) as connection:
        slots = connection.execute(
            "SELECT count(DISTINCT scheduled_for), count(*) FROM run_logs"
            " WHERE id = 1 OR id = (SELECT max(id) FROM run_logs)"
        )
        assert slots.fetchone() == (1, 2)


def test_a_read_only_console_changes_nothing(opened: Opener, place: Config) -> None:
    console = opened("--read-only")
    console.wait_for("live 2s read-only")
    console.type("p")
    console.wait_for("this console is read-only")
    with writing(place) as connection:
        states = connection.execute("SELECT state FROM scheduled_functions WHERE id = 1")
        assert states.fetchone() == ("active",)


def test_the_editor_gets_the_terminal_and_gives_it_back(opened: Opener, place: Config) -> None:
    script = place.db_path.with_name("editor")
    script.write_text('#!/bin/sh\necho "EDITING $1 $2"\nread answer\n')
    script.chmod(0o755)
    console = opened(EDITOR=str(script))
    console.wait_for("Functions 30", "archive_user_sessions")
    console.type("e")
    console.wait_for("EDITING +10 /srv/jobs/accounts/user_sessions.py")
    console.type("enter")
    console.wait_for("Functions 30", "✓ edited /srv/jobs/accounts")


def test_an_editor_that_does_not_exist_is_said_in_the_header(opened: Opener) -> None:
    console = opened(EDITOR="/nowhere/vim", VISUAL="")
    console.wait_for("Functions 30", "archive_user_sessions")
    console.type("e")
    console.wait_for("✗ $EDITOR /nowhere/vim")


def test_an_editor_that_fails_is_said_in_the_header(opened: Opener) -> None:
    console = opened(EDITOR="false", VISUAL="")
    console.wait_for("Functions 30", "archive_user_sessions")
    console.type("e")
    console.wait_for("✗ $EDITOR false: it ended with exit code 1")


def test_copying_sends_osc_52(opened: Opener) -> None:
    console = opened()
    console.wait_for("Functions 30", "archive_user_sessions")
    console.type("c")
    console.wait_for("copied: accounts")
    assert b"\x1b]52;c;" in console.raw


@pytest.mark.parametrize(
    "environ",
    [
        {"NO_COLOR": "1"},
        {"TERM": "dumb"},
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"COLORFGBG": "0;15"},
        {"TERM": "vt100"},
        {"TERM": "linux"},
    ],
    ids=str,
)
def test_the_console_can_be_read_in_every_environment(
    opened: Opener, environ: dict[str, str]
) -> None:
    console = opened(**environ)
    screen = console.wait_for("Functions 30", "FAIL", "archive_user_sessions", "? help  q quit")
    assert "?????" not in screen
    console.type("j", "q")
    assert console.wait_for_exit() == 0
    assert b"Traceback" not in console.raw


@pytest.mark.parametrize("theme", ["dark", "light", "mono"])
@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"LC_ALL": "C"}], ids=str)
def test_every_state_can_be_read_in_every_theme_and_environment(
    opened: Opener, environ: dict[str, str], theme: str
) -> None:
    console = opened("--theme", theme, height=60, **environ)
    words = ["FAIL", "TIME", "LOST", "LATE", "MISS", "run", "wait", "new", "ok", "off", "gone"]
    console.wait_until(lambda text: all(f" {word} " in text for word in words), str(words))


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_without_colour_no_colour_is_sent(opened: Opener, environ: dict[str, str]) -> None:
    console = opened(**environ)
    console.wait_for("Functions 30", "FAIL")
    colours = {cell.fg for row in console.screen.buffer.values() for cell in row.values()}
    assert colours == {"default"}


def test_the_ascii_console_sends_ascii_only(opened: Opener) -> None:
    console = opened("--ascii")
    screen = console.wait_for("Functions 30", "x FAIL", "? help  q quit")
    assert screen.isascii()


@pytest.mark.parametrize("stdin", ["< /dev/null", "<&-"])
def test_without_a_terminal_the_command_names_the_one_that_works(place: Config, stdin: str) -> None:
    config = place.db_path.with_name("scheduler.toml")
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m scheduler tui --config "$1" {stdin}', sys.executable, config],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert done.returncode == 2
    assert f"use `scheduler status --config {config} [--json]`" in done.stderr
    assert "Traceback" not in done.stderr


def test_importing_the_package_does_not_load_urwid() -> None:
    code = "import sys, scheduler.tui; print('urwid' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_console_reads_without_the_libraries_that_only_writers_need() -> None:
    code = "import sys, scheduler.tui.app; print({'peewee', 'psycopg', 'huey'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
