"""The commands that read: what they print, as text and as JSON, of a database as it is."""

import json
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from scheduler.cli import main
from scheduler.config import Config, load_config
from scheduler.db.connection import close_database
from scheduler.db.schema import init_schema
from scheduler.models import Scan
from tests.db.seeding import seed_function, seed_process, seed_run, seed_scan_error

Cli = Callable[..., str]


@pytest.fixture
def now() -> float:
    return float(int(time.time()))


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    file = tmp_path / "scheduler.toml"
    file.write_text('scan_paths = ["functions"]\n')
    return file


@pytest.fixture
def seeded(config_file: Path) -> Iterator[Config]:
    """Open a migrated database to put rows into; commands open it again."""
    config = load_config(config_file, {})
    init_schema(config)
    yield config
    close_database()


@pytest.fixture
def cli(config_file: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Return what calls a command and returns its output; its errors are empty."""

    def call(*arguments: str, code: int = 0) -> str:
        assert (
            main([*arguments, "--config", str(config_file)], {"SCHEDULER_CONFIG": str(config_file)})
            == code
        )
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out

    return call


@pytest.fixture
def refused(config_file: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Return what calls a command that fails and returns the one line it says."""

    def call(*arguments: str) -> str:
        assert (
            main([*arguments, "--config", str(config_file)], {"SCHEDULER_CONFIG": str(config_file)})
            == 1
        )
        captured = capsys.readouterr()
        (line,) = captured.err.splitlines()
        return line

    return call


READING = (
    ["status"],
    ["list"],
    ["runs"],
    ["errors"],
    ["plan"],
    ["health"],
    ["show", "1"],
    ["explain", "a.b"],
)


@pytest.mark.parametrize("command", READING)
def test_without_a_database_there_is_one_line_with_the_remedy(
    command: list[str], refused: Cli, tmp_path: Path
) -> None:
    line = refused(*command)

    assert str(tmp_path / "scheduler.db") in line
    assert line.endswith("start the service with `scheduler run`")
    assert not (tmp_path / "scheduler.db").exists()


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("command", READING)
def test_a_newer_schema_is_one_line_with_the_remedy(
    command: list[str], refused: Cli, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "scheduler.db")) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(schema_migration)")]
        assert "name" in columns
        connection.execute("UPDATE schema_migration SET name = '9999_future'")

    assert "upgrade this scheduler" in refused(*command)


@pytest.mark.usefixtures("seeded")
def test_an_empty_service_says_what_to_do_first(cli: Cli, tmp_path: Path) -> None:
    assert f"Decorate one with @schedule in {tmp_path / 'functions'}" in cli("list")
    assert cli("runs") == "No runs yet.\n"
    assert cli("errors") == "No scan errors.\n"
    assert cli("list", "--json") == cli("runs", "--json") == "[]\n"


@pytest.mark.usefixtures("seeded")
def test_list_tells_state_schedule_and_times_of_every_function(cli: Cli, now: float) -> None:
    ran = seed_function(
        "b.ran",
        next_run_at=now + 3599,
        last_status="success",
        last_started_at=now - 100,
        last_duration_seconds=3.49,
    )
    seed_run(ran, at=now - 100)
    seed_function("a.cron", cron="0 7 * * MON-FRI", next_run_at=now + 100)
    seed_function("c.paused", state="paused", next_run_at=now)
    seed_function("d.late", next_run_at=now - 190)
    seed_function("e.failed", next_run_at=now + 100, last_status="timeout")
    seed_function("f.gone", state="gone")
    seed_function("g.disabled", enabled=False)

    lines = {line.split()[2]: line for line in cli("list").splitlines()[1:]}

    assert list(lines) == [
        "a.cron",
        "b.ran",
        "c.paused",
        "d.late",
        "e.failed",
        "f.gone",
        "g.disabled",
    ]
    assert lines["a.cron"].startswith("+ new")
    assert "0 7 * * MON-FRI" in lines["a.cron"]
    assert lines["b.ran"].startswith("✓ ok")
    assert "1m 4" in lines["b.ran"]
    assert lines["b.ran"].endswith("3.4s")
    assert lines["c.paused"].startswith("- paused")
    assert "3m 1" in lines["d.late"]
    assert "late" in lines["d.late"]
    assert lines["e.failed"].startswith("✗ TIME")
    assert lines["f.gone"].startswith("- gone")
    assert lines["g.disabled"].startswith("- disabled")


@pytest.mark.usefixtures("seeded")
def test_a_running_function_tells_for_how_long(cli: Cli, now: float) -> None:
    function = seed_function(
        "a.b", next_run_at=now + 60, last_started_at=now - 28, last_duration_seconds=7.5
    )
    seed_run(function, "running", at=now - 28)

    (_, line) = cli("list").splitlines()

    assert line.startswith("▸ run")
    assert "for 2" in line
    assert "7.5s" not in line  # that is how long the run before it took


JSON_KEYS = {
    "list": {"id", "name", "state", "next_run_at", "interval_seconds", "cron", "last_status"},
    "runs": {"id", "name", "status", "trigger", "scheduled_for", "slots", "started_at"},
    "errors": {"path", "error_type", "message", "line", "first_seen_at"},
    "plan": {"name", "fires_at", "overlaps_at", "expected_seconds"},
}


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("command", JSON_KEYS)
def test_json_has_the_keys_that_programs_rely_on(command: str, cli: Cli, now: float) -> None:
    seed_run(seed_function("a.b", next_run_at=now + 5), at=now)
    seed_scan_error()

    (found,) = json.loads(cli(command, "--json"))

    assert set(found) >= JSON_KEYS[command]


@pytest.mark.usefixtures("seeded")
def test_runs_are_those_of_the_function_and_as_many_as_asked(cli: Cli, now: float) -> None:
    one, other = seed_function("a.one"), seed_function("b.other")
    for n in range(3):
        seed_run(one, at=now + n)
    seed_run(other, "error", at=now, error_type="ValueError", error_message="two\nlines")

    assert len(cli("runs").splitlines()) == 5
    assert len(cli("runs", "--limit", "2").splitlines()) == 3
    assert len(cli("runs", "a.one").splitlines()) == 4
    (_, failed) = cli("runs", "--failed").splitlines()
    assert failed.endswith("ValueError: two lines")
    assert cli("runs", "a.one", "--failed") == "No failed runs.\n"


@pytest.mark.usefixtures("seeded")
def test_an_unknown_function_is_refused_with_the_nearest_name(refused: Cli) -> None:
    seed_function("reports.send")

    for command in (["runs", "reports.sent"], ["explain", "reports.sent"]):
        assert "did you mean 'reports.send'?" in refused(*command)


@pytest.mark.usefixtures("seeded")
def test_show_tells_where_the_time_went_and_why_it_failed(cli: Cli, now: float) -> None:
    function = seed_function("a.b", retries=1)
    first = seed_run(
        function,
        "error",
        at=now - 60,
        covers_from=now - 180,
        slots=3,
        error_type="ValueError",
        error_message="bad",
        traceback="Traceback:\n  ...\nValueError: bad",
        output="printed\n",
        output_bytes=8,
        peak_rss_bytes=2_097_152,
        cpu_seconds=1.25,
    )
    seed_run(function, at=now - 60, attempt=2, root_id=first)

    text = cli("show", str(first))

    for part in (
        "✗ FAIL",
        ", answers for 3 slots since ",
        "waited 100ms in the queue",
        "took 5.0s",
        "2.0 MB memory, 1.2s CPU",
        "ValueError: bad",
        "printed",
        f"1: run {first} error, 2: run {first + 1} success",
    ):
        assert part in text


@pytest.mark.usefixtures("seeded")
def test_a_stack_that_was_asked_for_is_not_repeated_below_the_traceback(
    cli: Cli, now: float
) -> None:
    function = seed_function("a.b")
    running = seed_run(function, "running", at=now - 60, stack="the stack\n")
    cancelled = seed_run(function, "cancelled", at=now, stack="the stack\n", traceback="the end")

    assert "\nstack:\nthe stack\n" in cli("show", str(running))
    assert "the stack" not in cli("show", str(cancelled))


@pytest.mark.usefixtures("seeded")
def test_show_writes_out_the_control_characters_of_an_error(cli: Cli, now: float) -> None:
    seed_run(
        seed_function("a.b"),
        "error",
        error_type="ValueError",
        error_message="\x1b[31m red",
        traceback="Traceback:\n  ...\nValueError: \x1b[31m red",
    )
    text = cli("show", "1")
    assert "\x1b" not in text
    assert text.count(r"ValueError: \x1b[31m red") == 2
    assert "Traceback:\n  ...\n" in text


@pytest.mark.usefixtures("seeded")
def test_show_in_json_is_the_whole_run(cli: Cli, now: float) -> None:
    run = seed_run(seed_function("a.b"), at=now, output="x", output_bytes=1, result="42")

    found = json.loads(cli("show", str(run), "--json"))

    assert (found["id"], found["status"], found["output"], found["result"]) == (
        run,
        "success",
        "x",
        "42",
    )
    assert found["attempts"] == [{"id": run, "attempt": 1, "status": "success"}]


@pytest.mark.usefixtures("seeded")
def test_an_unknown_run_is_refused(refused: Cli) -> None:
    assert "there is no run 99" in refused("show", "99")


@pytest.mark.usefixtures("seeded")
def test_errors_show_the_traceback_below_the_file(cli: Cli) -> None:
    seed_scan_error("/f/one.py")
    seed_scan_error("/f/two.py")

    text = cli("errors")

    assert text.index("/f/one.py, line 3") < text.index("/f/two.py, line 3")
    assert "      def x(:\n" in text


@pytest.mark.usefixtures("seeded")
def test_errors_say_the_message_with_its_remedy_where_the_traceback_does_not(cli: Cli) -> None:
    seed_scan_error("/f/hangs.py", error_type="ImportTimeout", message="raise this key")
    seed_scan_error("/f/prints.py", severity="warning", traceback="hello\n")

    text = cli("errors")

    assert "✗ /f/hangs.py, line 3" in text
    assert "  ImportTimeout: raise this key\n    File" in text
    assert "! /f/prints.py, line 3" in text
    assert text.endswith("  SyntaxError: invalid syntax\n  hello\n")


@pytest.mark.usefixtures("seeded")
def test_errors_write_out_what_would_control_the_terminal(cli: Cli) -> None:
    seed_scan_error("/f/\x1b[2J.py", message="\x1b[31m red", traceback="printed \x1b]0;title\n")

    text = cli("errors")

    assert "\x1b" not in text
    assert r"  SyntaxError: \x1b[31m red" in text
    assert r"  printed \x1b]0;title" in text


@pytest.mark.usefixtures("seeded")
def test_a_warning_of_a_scan_is_a_problem_but_not_an_unhealthy_one(cli: Cli, now: float) -> None:
    seed_process("ticker", now)
    seed_process("worker", now)
    seed_scan_error(severity="warning")

    assert "! 1 file printed or forked when imported\n  → scheduler errors\n" in cli("status")
    assert json.loads(cli("status", "--json"))["scan_errors"] == 0
    cli("health", "--strict")


@pytest.mark.usefixtures("seeded")
def test_status_names_each_problem_with_its_remedy(cli: Cli, now: float) -> None:
    seed_process("ticker", now)
    seed_function("a.late", next_run_at=now - 300)
    seed_function("b.bad", next_run_at=now + 60, last_status="error", consecutive_failures=4)
    seed_function("c.bad", next_run_at=now + 60, last_status="error", consecutive_failures=1)
    seed_function("my file.bad", next_run_at=now + 60, last_status="error", consecutive_failures=2)
    seed_scan_error()

    text = cli("status")

    assert text.startswith("✗ only partly running")
    for line in (
        "✗ no worker is alive: nothing is executed\n  → scheduler worker\n",
        "! c.bad failed\n",
        "! 1 file cannot be scanned\n  → scheduler errors\n",
        "  → scheduler explain a.late\n",
        "! b.bad failed 4 times in a row\n  → scheduler runs b.bad --failed\n",
        "  → scheduler runs 'my file.bad' --failed\n",
    ):
        assert line in text


def _seed_a_hog(now: float, waited: float = 11) -> None:
    hog = seed_function("a.hog", next_run_at=now + 60)
    seed_run(hog, "running", at=now - 303)
    seed_run(hog, "queued", at=now - 240)
    quick = seed_function("a.quick", next_run_at=now + 60)
    seed_run(quick, "queued", at=now - waited, available_at=now - waited)
    seed_run(quick, "queued", at=now, attempt=2, available_at=now + 300)


@pytest.mark.usefixtures("seeded")
def test_runs_that_wait_while_long_ones_hold_all_slots_are_a_problem_soon(
    cli: Cli, now: float
) -> None:
    seed_process("ticker", now)
    seed_process("worker", now, slots=1)
    _seed_a_hog(now)

    text = cli("status")

    assert text.startswith("! running, 1 problem")
    assert "! 1 run waits for a free slot, the oldest for 1" in text
    assert ": run 1 (a.hog, 5m 0" in text
    assert ") holds the only slot\n  → raise worker_concurrency, set a timeout, or: sch" in text
    assert "cancel 1\n" in text


@pytest.mark.usefixtures("seeded")
def test_runs_that_wait_for_a_moment_beside_a_free_slot_are_no_problem(
    cli: Cli, now: float
) -> None:
    seed_process("ticker", now)
    seed_process("worker", now, slots=2)
    _seed_a_hog(now, waited=1)

    assert cli("status").startswith("✓ all is well")


@pytest.mark.usefixtures("seeded")
def test_runs_that_wait_although_a_slot_is_free_do_not_ask_for_more_workers(
    cli: Cli, now: float
) -> None:
    seed_process("ticker", now)
    seed_process("worker", now, slots=2)
    _seed_a_hog(now, waited=51)

    text = cli("status")

    assert "! 1 run waits although a slot is free, the oldest for 5" in text
    assert "  → scheduler check tells whether the queue can be reached\n" in text
    assert "worker_concurrency" not in text
    assert "although a slot is free" in cli("health", "--strict", code=1)


def test_a_run_that_waits_for_a_free_slot_does_not_blame_the_queue(
    config_file: Path, cli: Cli, now: float
) -> None:
    config_file.touch(0o600)
    config_file.write_text('scan_paths = ["functions"]\nqueue_url = "redis://127.0.0.1:1/5"\n')
    init_schema(load_config(config_file, {}))
    seed_process("worker", now, slots=1)
    seed_run(seed_function("a.busy", next_run_at=now + 60), "running", at=now - 9)
    seed_run(seed_function("a.b", next_run_at=now + 60), "queued", at=now - 9, available_at=now - 9)

    assert "queue_url" not in cli("explain", "a.b", str(int(now - 9)))


@pytest.mark.parametrize("scheme", ["redis", "postgresql"])
def test_a_queue_that_cannot_be_reached_while_runs_wait_is_grave(
    config_file: Path, cli: Cli, now: float, scheme: str
) -> None:
    config_file.touch(0o600)
    url = f"{scheme}://me:secret@127.0.0.1:1/5"
    config_file.write_text(f'scan_paths = ["functions"]\nqueue_url = "{url}"\n')
    init_schema(load_config(config_file, {}))
    seed_process("ticker", now)
    seed_process("worker", now, slots=2)
    seed_run(seed_function("a.b", next_run_at=now + 60), "queued", at=now - 9, available_at=now - 9)

    text = cli("status")

    assert f"✗ queue_url: {scheme}://me:***@127.0.0.1:1/5 cannot be reached: " in text
    assert "; 1 run waits although 2 slots are free" in text
    assert "\n  → start it, or correct queue_url\n" in text
    assert "secret" not in text
    assert "cannot be reached" in cli("health", "--strict", code=1)
    told = f"  queue_url: {scheme}://me:***@127.0.0.1:1/5 cannot be reached: "
    assert told in cli("explain", "a.b", str(int(now - 9)))
    (_, line) = cli("runs").splitlines()
    assert line.rstrip().endswith("waits in the queue, 2 slots are free")


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    ("roles", "retry"),
    [
        (["worker", "ticker"], "attempt 2; waits for its time, in "),
        (["worker"], "attempt 2; no ticker is alive to start it when its time has come"),
    ],
)
def test_runs_that_wait_say_what_for(cli: Cli, now: float, roles: list[str], retry: str) -> None:
    for role in roles:
        seed_process(role, now, slots=1)
    _seed_a_hog(now)

    by_run = {line.split()[0]: line.rstrip() for line in cli("runs").splitlines()}

    assert by_run["3"].endswith("waits for a free slot")
    assert by_run["2"].endswith("waits for run 1 to end")
    assert retry in by_run["4"]
    assert "now       waits for a free slot" in cli("show", "3")


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("state", ["lost", "draining"])
def test_without_a_worker_nothing_waits_for_a_free_slot(cli: Cli, now: float, state: str) -> None:
    seed_process("worker", now, state=state)
    _seed_a_hog(now)

    by_run = {line.split()[0]: line.rstrip() for line in cli("runs").splitlines()}

    assert by_run["3"].endswith("no worker is alive to run it")
    assert by_run["2"].endswith("waits for run 1 to end")


@pytest.mark.usefixtures("seeded")
def test_without_a_ticker_the_late_functions_are_its_problem_and_not_their_own(
    cli: Cli, now: float
) -> None:
    for name in ("a.late", "b.late"):
        seed_function(name, next_run_at=now - 300)

    text = cli("status")

    assert text.startswith("✗ not running")
    told = "✗ no ticker is alive: nothing new starts, 2 functions are late\n  → scheduler run\n"
    assert told in text
    assert "scheduler explain" not in text


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("text", ["0001-01-02", "9999-12-30"])
def test_the_ends_of_the_calendar_can_be_asked_about(cli: Cli, text: str) -> None:
    seed_function("a.f", cron="0 7 * * *")

    assert "a.f" in cli("explain", "a.f", text)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep a SQLite file locked, as another program would."""
    close_database()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.parametrize("key", ["db_path", "queue_path"])
def test_a_file_that_stays_locked_is_the_problem_and_not_those_who_wait_for_it(
    seeded: Config, cli: Cli, now: float, key: str
) -> None:
    seed_process("ticker", now - 60)
    seed_process("worker", now - 60 if key == "db_path" else now)
    path = {"db_path": seeded.db_path, "queue_path": seeded.queue_path}[key]
    with locked(path):
        text = cli("status")
        health, strict = cli("health", code=1), cli("health", "--strict", code=1)

    told = f"{key}: {path} stays locked"
    assert text.startswith("✗ held up by a lock")
    assert f"✗ {told}: nothing can be " in text
    assert f"lsof {path}" in text
    assert "scheduler ticker" not in text
    assert health == strict == f"unhealthy: {told}\n"
    assert told not in cli("status")


def test_a_queue_that_stays_locked_hides_no_dead_worker(
    seeded: Config, cli: Cli, now: float
) -> None:
    seed_process("ticker", now - 60)
    with locked(seeded.queue_path):
        text, health = cli("status"), cli("health", code=1)

    assert f"✗ queue_path: {seeded.queue_path} stays locked: nothing can be queued\n" in text
    assert "✗ no worker is alive: nothing is executed" in text
    assert "no ticker is alive" not in text
    told = f"unhealthy: queue_path: {seeded.queue_path} stays locked; no worker is alive\n"
    assert health == told


@pytest.mark.usefixtures("seeded")
def test_a_process_that_died_and_was_replaced_is_no_problem(cli: Cli, now: float) -> None:
    seed_process("ticker", now)
    seed_process("worker", now - 500, id="dead00", state="lost", detail="its lock is free")
    seed_process("worker", now, started_at=now - 499)

    assert cli("status").startswith("✓ all is well")


@pytest.mark.usefixtures("seeded")
def test_a_process_that_nothing_took_the_place_of_is_named(cli: Cli, now: float) -> None:
    seed_process("ticker", now)
    seed_process("worker", now - 500, id="deadbeef", state="lost", detail="its lock was free")
    seed_process("worker", now, started_at=now - 900)

    text = cli("status")

    assert "! worker deadbe (pid 7 on host) died (its lock was free) and nothing took its" in text
    assert "→ start it again: scheduler worker\n" in text


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(("tickers", "back_ago"), [(2, 5), (1, 5), (2, 500)])
def test_two_tickers_that_scan_different_folders_are_a_problem(
    cli: Cli, now: float, tmp_path: Path, tickers: int, back_ago: float
) -> None:
    here, there, elsewhere = (tmp_path / name for name in ("functions", "there", "elsewhere"))
    here.mkdir(exist_ok=True)
    there.mkdir()
    for index, folder in enumerate((here, there, elsewhere)):
        came_back = {"gone_at": now - back_ago - 1, "back_at": now - back_ago}
        seed_function(f"a.f{index}", scan_path=str(folder), next_run_at=now + 60, **came_back)
    seed_process("worker", now)
    for number in range(tickers):
        seed_process("ticker", now, id=f"ticker-{number}")

    text = cli("status")

    if (tickers, back_ago) != (2, 5):
        assert text.startswith("✓ all is well")
        return
    assert f"! another ticker scans {there}, which is not in scan_paths here" in text
    assert "→ give both the same scan_paths, or each a database of its own\n" in text
    assert str(elsewhere) not in text  # as another host has it


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    "columns",
    [
        {"last_status": "lost", "consecutive_failures": 0},  # cut off by an orderly stop
        {"last_status": "cancelled", "consecutive_failures": 3},
        {"last_status": "error", "consecutive_failures": 3, "state": "paused"},
        {"last_status": "error", "consecutive_failures": 3, "enabled": False},
    ],
)
def test_what_nobody_has_to_mend_is_no_problem(
    columns: dict[str, object], cli: Cli, now: float
) -> None:
    seed_process("ticker", now)
    seed_process("worker", now)
    seed_function("a.b", next_run_at=now + 60, **columns)

    assert cli("status").startswith("✓ all is well")


@pytest.mark.usefixtures("seeded")
def test_a_failure_is_a_problem_only_when_its_last_retry_has_failed(cli: Cli, now: float) -> None:
    seed_process("ticker", now)
    seed_process("worker", now)
    columns = {"last_status": "error", "retries": 2, "next_run_at": now + 60}
    tried_again = seed_function("a.again", **columns, consecutive_failures=2)
    seed_run(tried_again, "queued", attempt=3, available_at=now + 9)
    seed_function("b.given_up", **columns, consecutive_failures=3)

    text = cli("status")

    assert "! b.given_up failed 3 times in a row\n" in text
    assert "a.again failed" not in text


@pytest.mark.usefixtures("seeded")
def test_status_has_the_words_of_the_other_commands(cli: Cli, now: float) -> None:
    function = seed_function("a.b", next_run_at=now + 60, last_status="cancelled")
    run = seed_run(function, "cancelled", at=now - 9)
    seed_function("c.d", state="paused", next_run_at=now)

    assert "2: 1 cancelled, 1 paused\n" in cli("status")
    for command in (["runs"], ["show", str(run)], ["explain", "a.b", str(now - 9)], ["list"]):
        assert "- cancelled" in cli(*command)


@pytest.mark.usefixtures("seeded")
def test_a_worker_has_one_short_name_in_all_commands(cli: Cli, now: float) -> None:
    seed_process("worker", now - 60, id="197c6bad9b0d4c11")
    run = seed_run(seed_function("a.b"), "running", at=now - 9, claimed_by="197c6bad9b0d4c11")

    assert "worker    197c6b\n" in cli("show", str(run))
    assert "! worker 197c6b (pid 7 on host) has not beaten for" in cli("status")
    assert "worker 197c6b (pid 7 on host) has stopped" in cli("health", "--role", "worker", code=1)


@pytest.mark.usefixtures("seeded")
def test_status_is_well_when_both_roles_live_and_nothing_fails(cli: Cli, now: float) -> None:
    seed_process("ticker", now)
    seed_process("worker", now)
    seed_run(seed_function("a.b", next_run_at=now + 60, last_status="success"), at=now - 9)

    text = cli("status")

    assert text.startswith("✓ all is well")
    assert "1 alive, 4 slots" in text
    assert "1: 1 success" in text


@pytest.mark.usefixtures("seeded")
def test_a_service_that_stops_is_not_said_to_be_down_before_it_is(cli: Cli, now: float) -> None:
    seed_process("worker", now, state="draining")

    text = cli("status")

    assert text.startswith("! stopping")
    assert "→ scheduler run, once it has stopped\n" in text


@pytest.mark.usefixtures("seeded")
def test_one_worker_that_drains_among_others_does_not_make_the_service_stop(
    cli: Cli, now: float
) -> None:
    seed_process("worker", now, id="drains", state="draining")
    seed_process("worker", now)
    assert cli("status").startswith("✗ only partly running")


@pytest.mark.usefixtures("seeded")
def test_a_scan_alone_is_no_part_of_a_running_service(cli: Cli, now: float) -> None:
    seed_process("scan", now)
    assert cli("status").startswith("✗ not running")


@pytest.mark.usefixtures("seeded")
def test_a_process_that_does_not_beat_is_not_alive(cli: Cli, now: float) -> None:
    seed_process("ticker", now - 60)
    seed_process("worker", now)

    assert "ticker ticker (pid 7 on host) has not beaten for 1m 0" in cli("status")
    assert cli("health", "--role", "worker") == "healthy: 1 worker alive\n"
    assert "has stopped beating" in cli("health", "--role", "ticker", code=1)
    assert "has stopped beating" in cli("health", code=1)


@pytest.mark.usefixtures("seeded")
def test_on_a_full_disk_nobody_is_told_to_start_or_to_end_what_cannot_show_that_it_lives(
    cli: Cli, now: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed_process("ticker", now - 28)
    seed_process("worker", now - 28)
    waiting = seed_function("a.late", next_run_at=now - 300)
    seed_run(waiting, "queued", at=now - 300, available_at=now - 300)
    monkeypatch.setattr("scheduler.cli.disks.LEAST_FREE_BYTES", 2**62)

    text = cli("status")

    assert text.startswith("✗ held up by the disk")
    assert "tickers    0 alive, 1 silent\n" in text
    (said,) = [line for line in text.splitlines() if line.startswith(("✗ db", "✗ no", "! "))]
    assert said == (
        f"✗ db_path: the disk of {tmp_path} is full: "
        "nothing can be recorded, nor can living processes show that they live"
    )
    assert text.endswith("  → free some space, the service goes on by itself\n")
    assert cli("health", code=1) == f"unhealthy: db_path: the disk of {tmp_path} is full\n"


@pytest.mark.usefixtures("seeded")
def test_a_silent_ticker_has_no_runs_that_would_get_a_verdict(cli: Cli, now: float) -> None:
    seed_process("ticker", now - 60)
    assert "  → if it stays so, end it and start it again\n" in cli("status")


@pytest.mark.usefixtures("seeded")
def test_a_process_that_was_just_restarted_tells_why(cli: Cli, now: float) -> None:
    why = "restarted 3 times, last: exit code 1"
    seed_process("worker", now, id="new", started_at=now - 5, detail=f"2 busy; {why}")
    seed_process("worker", now, id="fine", started_at=now - 5, detail="0 busy")
    seed_process("worker", now, id="once", started_at=now - 5, detail="restarted once, last: x")
    seed_process("ticker", now, id="old", started_at=now - 86400, detail="restarted long ago")

    text = cli("status")

    assert f"! worker new (pid 7 on host): {why}\n" in text
    assert "once" not in text
    assert "long ago" not in text
    assert "busy" not in text


def test_a_process_whose_lock_is_free_is_dead_at_once(seeded: Config, cli: Cli, now: float) -> None:
    seed_process("ticker", now)
    folder = seeded.db_path.with_name(seeded.db_path.name + ".run")
    folder.mkdir(exist_ok=True)
    (folder / "ticker-1.lock").touch()

    assert cli("health", "--role", "ticker", code=1) == "unhealthy: no ticker is alive\n"


@pytest.mark.usefixtures("seeded")
def test_scan_errors_and_late_functions_are_unhealthy_only_when_strict(
    cli: Cli, now: float
) -> None:
    seed_process("ticker", now)
    seed_process("worker", now)
    seed_scan_error()
    seed_function("a.late", next_run_at=now - 300)

    assert cli("health") == "healthy: 1 ticker alive, 1 worker alive\n"
    answer = json.loads(cli("health", "--strict", "--json", code=1))
    assert answer["healthy"] is False
    assert len(answer["reasons"]) == 2


@pytest.mark.usefixtures("seeded")
def test_runs_that_wait_behind_hanging_ones_are_unhealthy_only_when_strict(
    cli: Cli, now: float
) -> None:
    seed_process("ticker", now)
    seed_process("worker", now, slots=1)
    seed_run(seed_function("a.hangs", next_run_at=now + 60), "running", at=now - 600)
    waiting = seed_function("b.waits", next_run_at=now + 60)
    seed_run(waiting, "queued", at=now - 300, available_at=now - 300)

    cli("health")
    assert "1 run waits for a free slot" in cli("health", "--strict", code=1)


@pytest.mark.usefixtures("seeded")
def test_a_probe_may_ask_for_its_own_host_alone(cli: Cli, now: float) -> None:
    seed_process("worker", now, host="another")
    seed_process("ticker", now, host=socket.gethostname())

    assert cli("health", "--role", "worker") == "healthy: 1 worker alive\n"
    assert cli("health", "--role", "worker", "--here", code=1) == "unhealthy: no worker is alive\n"
    assert cli("health", "--role", "ticker", "--here") == "healthy: 1 ticker alive\n"


def test_a_worker_whose_files_differ_from_what_the_scan_saw_is_told(
    seeded: Config, cli: Cli, now: float
) -> None:
    function = seed_function("a.b", last_seen_at=now - 600, next_run_at=now + 60)
    other = seed_function("a.c", last_seen_at=now - 600, next_run_at=now + 60)
    seed_process("worker", now, id="stale", host="h2")
    seed_process("worker", now, id="fresh", host="h1")
    renamed = seed_function("a.old", last_seen_at=now - 600, state="gone", gone_at=now - 100)
    seed_run(renamed, at=now - 300, claimed_by="fresh", source_hash="edited")
    for id_ in (function, other):
        seed_run(id_, at=now - 300, claimed_by="stale", source_hash="older")
        seed_run(id_, at=now - 240, claimed_by="fresh", source_hash="hash")

    assert "another version" not in cli("status"), "no scan has looked since"
    init_schema(seeded)
    Scan.create(started_at=now - 100, finished_at=now - 99, files=1, functions=2, errors=0)
    text = cli("status")
    assert "! worker h2:7 runs another version of a.b and 1 more than the scan saw\n" in text
    assert "h1:7" not in text
    init_schema(seeded)
    seed_run(function, at=now - 60, claimed_by="stale", source_hash="hash")
    assert "worker h2:7 runs another version of a.c than the scan saw\n" in cli("status")


@pytest.mark.usefixtures("seeded")
def test_a_file_that_was_edited_since_a_run_is_no_other_version(cli: Cli, now: float) -> None:
    function = seed_function("a.b", last_seen_at=now - 200, next_run_at=now + 60)
    seed_process("worker", now)
    seed_run(function, at=now - 300, source_hash="older")
    Scan.create(started_at=now - 100, finished_at=now - 99, files=1, functions=1, errors=0)

    assert "another version" not in cli("status")


@pytest.mark.usefixtures("seeded")
def test_status_in_json_has_every_number_of_the_text(cli: Cli, now: float) -> None:
    seed_process("ticker", now)
    seed_function("a.b", next_run_at=now + 60)

    found = json.loads(cli("status", "--json"))

    assert set(found) >= {"now", "database", "processes", "functions", "runs_24h", "queue"}
    assert found["processes"][0]["condition"] == "alive"
    assert found["functions"]["total"] == 1
    assert [problem["kind"] for problem in found["problems"]] == ["process"]


@pytest.mark.usefixtures("seeded")
def test_the_plan_counts_what_fires_often_and_lists_the_rest(cli: Cli, now: float) -> None:
    often = seed_function("a.often", anchor_at=now, next_run_at=now + 60)
    seed_run(often, at=now - 600, finished_at=now - 600 + 90.1)
    seed_function("b.rare", interval_seconds=3600.0, anchor_at=now, next_run_at=now + 3600)
    seed_function("c.off", state="paused", next_run_at=now)

    text = cli("plan", "--hours", "3")

    (line,) = [line for line in text.splitlines() if line.startswith("a.often")]
    assert line.split()[1:] == ["1m", "180", "1m", "30s", "with", "itself:", "skip"]
    assert sum("b.rare" in line for line in text.splitlines()) == 3
    assert "c.off" not in text
    assert " in the next 3 hours, " in text
    assert " in the next 1 hour, " in cli("plan", "--hours", "1")


@pytest.mark.usefixtures("seeded")
def test_the_plan_in_json_has_every_time_and_marks_the_overlaps(cli: Cli, now: float) -> None:
    function = seed_function("a.b", anchor_at=now, next_run_at=now + 60)
    seed_run(function, at=now - 600, finished_at=now - 600 + 90.1)

    (found,) = json.loads(cli("plan", "--hours", "0.1", "--json"))

    assert found["fires_at"] == [now + 60 * n for n in range(1, 7)]
    assert found["overlaps_at"] == [now + 60 * n for n in (2, 4, 6)]
    assert found["expected_seconds"] == pytest.approx(90, abs=0.2)


def test_a_warning_of_the_configuration_is_said_once_on_stderr(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["list", "--config", str(config_file)], {"SCHEDULER_NONSENSE": "1"})

    (warning, _) = capsys.readouterr().err.splitlines()
    assert warning.startswith("warning: environment: SCHEDULER_NONSENSE")


def test_a_wrong_configuration_is_told_line_by_line_with_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "scheduler.toml"
    file.write_text("heartbeat_seconds = 0\nscan_path = 1\n")

    assert main(["list", "--config", str(file)], {}) == 2

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"error: {file}: ") for line in lines)


def test_a_traceback_is_shown_only_when_debugging(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["list", "--config", str(config_file), "--debug"], {})

    assert "Traceback" in capsys.readouterr().err
