"""The command line as a real process: into which pipe, on which terminal."""

import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.process.service import Service, stop, wait_for

HEAVY = (
    *("huey", "peewee", "urwid", "msgspec", "cronsim", "asyncio", "zoneinfo", "logging"),
    *("tomllib", "scheduler.config"),
)

HELLO = """
@schedule(timedelta(seconds=1))
def hello():
    print("hello")

@schedule(timedelta(days=1), name="slow")
def slow():
    print("begins", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["runs", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from scheduler.cli import main; main(sys.argv[1:]); "
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )

    assert done.stderr == "[]\n"


def test_the_script_and_the_module_are_the_same_command() -> None:
    script = Path(sys.executable).with_name("scheduler")
    by_script = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    by_module = subprocess.run(
        [sys.executable, "-m", "scheduler", "--help"], capture_output=True, text=True, check=True
    )

    assert by_script.stdout == by_module.stdout
    assert by_script.stdout.startswith("usage: scheduler ")


@pytest.mark.parametrize("arguments", ["--help", "list --json"])
def test_a_reader_that_has_seen_enough_is_no_error(service: Service, arguments: str) -> None:
    service.write("a.py", HELLO)
    assert service.run("scan").returncode == 0

    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$0" -m scheduler {arguments} | true', sys.executable],
        cwd=service.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_output_that_cannot_be_written_is_told_and_fails(service: Service) -> None:
    service.run("scan")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            service.command("status"),
            cwd=service.folder,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_do_not_stop_a_command(service: Service, closed: str) -> None:
    service.write("a.py", HELLO)

    for command in ("scan", "list", "status"):
        line = f'exec "$0" -m scheduler {command} {closed}'
        done = subprocess.run(
            ["sh", "-c", line, sys.executable], cwd=service.folder, check=False, capture_output=True
        )
        assert done.returncode == 0, command
    assert service.rows("SELECT count(*) FROM scheduled_functions") == [(2,)]


def test_a_new_file_does_not_take_the_name_of_a_function_that_is_known(service: Service) -> None:
    service.write("b.py", "@schedule(timedelta(seconds=1), name='beat')\ndef old(): pass\n")
    assert service.run("scan").returncode == 0
    service.write("a.py", "@schedule(timedelta(days=1), name='beat')\ndef new(): pass\n")
    done = service.run("scan")
    assert done.returncode == 1
    assert "a.py" in done.stdout
    assert "beat is already the name of the function in" in done.stdout
    known = "SELECT module_path, qualname FROM scheduled_functions WHERE name = 'beat'"
    assert service.rows(known) == [("b.py", "old")]


def test_a_file_that_does_not_import_keeps_its_names_until_it_is_mended(service: Service) -> None:
    old = "@schedule(timedelta(seconds=1), name='beat')\ndef old(): pass\n"
    known = "SELECT module_path, qualname FROM scheduled_functions WHERE name = 'beat'"
    service.write("b.py", old)
    assert service.run("scan").returncode == 0
    service.write("b.py", f"{old}oops(\n")
    service.write("a.py", "@schedule(timedelta(days=1), name='beat')\ndef new(): pass\n")
    done = service.run("scan")
    assert "beat is already the name of the function in" in done.stdout
    assert service.rows(known) == [("b.py", "old")]
    service.write("b.py", old)
    assert "a.py" in service.run("scan").stdout
    assert service.rows(known) == [("b.py", "old")]
    (service.folder / "functions" / "b.py").unlink()
    assert service.run("scan").returncode == 0
    assert service.rows(known) == [("a.py", "new")]


def test_call_gives_a_function_a_run_to_ask_about(service: Service) -> None:
    service.write(
        "a.py",
        "from scheduler import current_run\n"
        "@schedule(timedelta(days=1), name='asks')\n"
        "def asks():\n"
        "    run = current_run()\n"
        "    print(run.name, run.attempt, run.deadline_at)\n",
    )
    service.run("scan")
    done = service.run("call", "asks")
    assert done.stdout == "asks 1 None\n", done.stderr


def test_scan_says_what_it_found_and_fails_when_a_file_does(service: Service) -> None:
    service.write("a.py", HELLO)
    good = service.run("scan")
    service.write("b.py", "def broken(:")
    bad = service.run("scan")

    assert good.returncode == 0
    assert "INFO: discovered 2 scheduled function(s)" in good.stderr
    assert bad.returncode == 1
    assert "b.py" in bad.stdout
    assert "`scheduler errors` shows the tracebacks" in bad.stdout
    assert "def broken(:" in service.run("errors").stdout


def test_every_reading_command_works_while_the_service_is_stopped(service: Service) -> None:
    service.write("a.py", HELLO)
    service.run("scan")

    for command in ("status", "list", "runs", "errors", "plan", "explain a.hello"):
        done = service.run(*command.split())
        assert (done.returncode, done.stderr) == (0, ""), command


def test_a_locked_database_is_one_line(service: Service) -> None:
    service.write("a.py", HELLO)
    service.run("scan")
    with closing(sqlite3.connect(service.database)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN EXCLUSIVE")
        started = service.start("list")
        assert started.wait(90) == 1

    (line,) = service.read_log().splitlines()
    assert line.startswith(f"error: {service.database}: ")
    assert "locked" in line


def test_call_runs_a_function_in_the_foreground_without_a_database(service: Service) -> None:
    service.write(
        "deep/a.py",
        "import helper\n@schedule(timedelta(days=1))\ndef f():\n"
        "    print('out', helper.x)\n    return 42\n",
    )
    (service.functions / "helper.py").write_text("x = 7\n")

    done = service.run("call", "deep.a.f")

    assert (done.returncode, done.stdout) == (0, "out 7\n")
    assert done.stderr.endswith("returned 42\n")
    assert not service.database.exists()


def test_call_shows_a_function_no_password_of_ours(service: Service) -> None:
    service.write(
        "a.py",
        "@schedule(timedelta(days=1))\n"
        "def f():\n    return os.environ.get('SCHEDULER_QUEUE_URL')\n",
    )
    secret = {"SCHEDULER_QUEUE_URL": "redis://:secret@localhost:1/0"}

    done = service.run("call", "a.f", **secret)

    assert done.returncode == 0
    assert "secret" not in done.stdout + done.stderr


def test_call_shows_the_functions_own_traceback_and_fails(service: Service) -> None:
    service.write(
        "a.py",
        "class Bad(Exception): pass\n\n"
        "@schedule(timedelta(days=1))\nasync def f():\n    raise Bad('bad')\n",
    )
    service.run("scan")

    done = service.run("call", "a.f")

    assert done.returncode == 1
    assert done.stderr.endswith("\na.Bad: bad\n")
    assert "scheduler/cli" not in done.stderr
    assert service.rows("SELECT count(*) FROM run_logs") == [(0,)]


def test_call_lets_a_function_fork_and_names_what_it_cannot_find(service: Service) -> None:
    service.write(
        "a.py",
        "@schedule(timedelta(days=1))\ndef f():\n    pid = os.fork()\n    if not pid: os._exit(3)\n"
        "    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])\n",
    )
    service.run("scan")

    assert service.run("call", "a.f").stderr.endswith("returned 3\n")
    missing = service.run("call", "a.g")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "a.g" in missing.stderr


def test_colours_are_for_terminals_and_lines_fit_into_them(service: Service) -> None:
    service.write("a_module_with_quite_a_long_name/and_a_file_with_another_one.py", HELLO)
    service.run("scan")

    assert "\x1b" not in service.run("list").stdout
    shown = _on_a_terminal(service, "list", columns=80)
    plain = _on_a_terminal(service, "list", columns=80, NO_COLOR="1")

    assert "\x1b[35m+ new\x1b[0m" in shown
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= 80
    assert "…" in plain


def test_ctrl_c_ends_a_command_without_a_traceback(service: Service) -> None:
    service.write("a.py", HELLO)
    service.run("scan")
    service.start("worker")
    wait_for(lambda: service.pids("worker"), "the worker")
    waiting = service.start("trigger", "slow", "--wait")
    service.wait_rows("SELECT id FROM run_logs WHERE status = 'running'")
    wait_for(lambda: "run 1 of slow" in service.read_log(), "it to know of its run")

    assert stop(waiting, signal.SIGINT) == 130
    assert "Traceback" not in service.read_log()
    assert "run 1 goes on without being waited for; `scheduler runs slow`" in service.read_log()


def test_waiting_for_a_run_ends_soon_after_the_last_process_that_could_end_it(
    service: Service,
) -> None:
    service.write("a.py", HELLO)
    service.run("scan")
    worker = service.start("worker")
    wait_for(lambda: service.pids("worker"), "the worker")
    waiting = service.start("trigger", "slow", "--wait")
    service.wait_rows("SELECT id FROM run_logs WHERE status = 'running'")

    stop(worker, signal.SIGKILL)

    assert waiting.wait(30) == 1
    assert "its worker is dead and no ticker is alive" in service.read_log()


def test_waiting_for_a_run_tells_of_its_retries(service: Service) -> None:
    service.write(
        "b.py",
        "@schedule(timedelta(days=1), retries=1, retry_delay=timedelta(milliseconds=1))\n"
        "def fails():\n    raise ValueError('always')\n",
    )
    service.start("run")
    service.wait_rows("SELECT id FROM run_logs WHERE status = 'error' AND attempt = 2")

    waited = service.run("trigger", "b.fails", "--wait")

    _, first, second = waited.stdout.splitlines()
    assert "ended: error (ValueError: always); attempt 2 is run " in first
    assert second.endswith("ended: error (ValueError: always)")
    assert waited.returncode == 1


def test_the_console_needs_a_terminal(service: Service) -> None:
    done = service.run("tui")

    assert done.returncode == 2
    assert done.stderr == "error: not a terminal; use `scheduler status [--json]`\n"


def test_requests_reach_a_running_service(service: Service) -> None:
    service.write("a.py", HELLO)
    started = service.start("run")
    service.wait_rows("SELECT id FROM run_logs WHERE status = 'success'")

    triggered = service.run("trigger", "a.hello", "--wait")
    assert triggered.returncode == 0
    assert triggered.stdout.endswith("ended: success\n")
    assert triggered.stderr == ""
    ((slow,),) = service.wait_rows(
        "SELECT r.id FROM run_logs r JOIN scheduled_functions f ON f.id = r.function_id"
        " WHERE f.name = 'slow' AND r.status = 'running'"
    )
    stack = service.run("stack", str(slow))
    assert "in slow" in stack.stdout
    assert "in slow" in json.loads(service.run("stack", str(slow), "--json").stdout)["stack"]
    follower = service.start("show", str(slow), "--follow")
    wait_for(lambda: "begins" in service.read_log(), "the live output")
    assert service.run("health").returncode == 0
    assert service.run("cancel", str(slow)).returncode == 0
    assert follower.wait(30) == 0
    assert service.rows("SELECT status FROM run_logs WHERE id = ?", slow) == [("cancelled",)]
    assert stop(started) == 0
    assert service.run("health").returncode == 1


def _on_a_terminal(service: Service, *arguments: str, columns: int, **environ: str) -> str:
    """Return what a command writes to a terminal of this width."""
    main_fd, terminal_fd = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns), **environ}
    process = subprocess.Popen(
        service.command(*arguments),
        cwd=service.folder,
        env=environment,
        stdin=terminal_fd,
        stdout=terminal_fd,
        stderr=terminal_fd,
    )
    os.close(terminal_fd)
    shown = b""
    with suppress(OSError):  # what a terminal raises at its end
        while chunk := os.read(main_fd, 65536):
            shown += chunk
    os.close(main_fd)
    assert process.wait(30) == 0
    return shown.decode().replace("\r\n", "\n")
