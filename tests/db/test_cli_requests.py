"""The commands that ask for something: what they write and what they say."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scheduler.cli import main
from scheduler.cli.waiting import why_helpless
from scheduler.config import Config, load_config
from scheduler.db.connection import close_database
from scheduler.db.reports import find_function, find_run, list_runs
from scheduler.db.schema import init_schema, open_existing
from scheduler.maintenance.conditions import list_processes
from tests.db.seeding import seed_function, seed_process, seed_run, seed_scan_error

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Config]:
    """Open a migrated database to put rows into; commands open it again."""
    file = tmp_path / "scheduler.toml"
    file.write_text('scan_paths = ["functions"]\n')
    config = load_config(file, {})
    init_schema(config)
    yield config
    close_database()


@pytest.fixture
def cli(config: Config, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Return what calls a command and returns its exit code, output and errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(
            [*arguments, "--config", str(config.path)], {"SCHEDULER_CONFIG": str(config.path)}
        )
        captured = capsys.readouterr()
        open_existing(config)
        return code, captured.out, captured.err

    return call


@pytest.fixture
def service(config: Config) -> None:
    """Have a ticker and a worker with four slots, both alive."""
    seed_process("ticker", heartbeat_at=4e9)
    seed_process("worker", heartbeat_at=4e9)


def test_trigger_says_that_nobody_is_there_to_execute_what_it_queued(cli: Cli) -> None:
    seed_function("a.b")

    code, out, err = cli("trigger", "a.b")

    (run,) = list_runs()
    assert (run.status, run.trigger) == ("queued", "manual")
    assert (code, out) == (0, "run 1 of a.b is queued, but no worker is alive to run it\n")
    assert err == (
        "note: it starts as soon as there is a worker: `scheduler run`; "
        "`scheduler cancel 1` takes it off the queue\n"
    )


def test_trigger_needs_a_worker_and_tells_what_lacks_a_ticker(cli: Cli) -> None:
    seed_function("a.b", retries=2)
    seed_process("worker", heartbeat_at=4e9)

    code, out, err = cli("trigger", "a.b")

    assert (code, out) == (0, "run 1 of a.b is queued and starts now\n")
    assert "no ticker is alive: its retries and all schedules stand still" in err


def test_a_worker_that_drains_is_none_for_what_is_queued_now(cli: Cli) -> None:
    seed_function("a.b")
    seed_process("ticker", heartbeat_at=4e9)
    seed_process("worker", heartbeat_at=4e9, state="draining")

    code, out, err = cli("trigger", "a.b", "--json")

    assert json.loads(out) == {
        "run_id": 1,
        "status": "queued",
        "not_alive": ["worker"],
        "unsent": None,
    }
    assert (code, "`scheduler worker`" in err) == (0, True)


@pytest.mark.usefixtures("service")
def test_a_run_whose_message_cannot_be_sent_is_queued_all_the_same(config: Config) -> None:
    assert config.path is not None
    seed_function("a.b")
    config.path.touch(0o600)
    with config.path.open("a") as file:
        file.write('queue_url = "redis://:secret@127.0.0.1:1/0"\n')

    command = [sys.executable, "-m", "scheduler", "trigger", "a.b", "--config", str(config.path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "run 1 of a.b is queued\n")
    assert done.stderr.startswith("note: queue_url: ConnectionError: ")
    assert done.stderr.endswith("it starts when a ticker can reach it; no need to do it again\n")
    assert "secret" not in done.stderr
    assert find_run(1).status == "queued"


@pytest.mark.timeout(20)
def test_waiting_for_a_run_that_nobody_will_execute_fails_at_once(cli: Cli) -> None:
    seed_function("a.b")

    code, _, err = cli("trigger", "a.b", "--wait")

    assert code == 1
    assert "error: run 1 is still queued: no worker is alive to run it" in err


def test_waiting_for_a_retry_that_no_ticker_will_start_ends(config: Config) -> None:
    function = seed_function("a.b", retries=1)
    seed_process("worker", heartbeat_at=4e9)
    first = seed_run(function, "error", at=time.time() - 9)
    due = time.time() - 5
    retry = seed_run(function, "queued", at=due, attempt=2, root_id=first, available_at=due)

    why = why_helpless(find_run(retry), list_processes(config, time.time()), time.time())

    assert why == "no ticker is alive to start it when its time has come"


@pytest.mark.usefixtures("service")
def test_when_all_slots_are_taken_a_triggered_run_starts_when_one_is_free(cli: Cli) -> None:
    for n in range(4):
        seed_run(seed_function(f"long.{n}"), "running")
    seed_function("a.b")

    assert cli("trigger", "a.b")[1].endswith("starts when one of the 4 slots is free\n")


@pytest.mark.usefixtures("service")
def test_a_triggered_run_waits_for_an_open_one_unless_it_is_forced(cli: Cli) -> None:
    running = seed_run(seed_function("a.b"), "running")

    _, waiting, _ = cli("trigger", "a.b")
    _, behind, _ = cli("trigger", "a.b")
    _, forced, _ = cli("trigger", "a.b", "--force")

    assert f"starts when run {running}, which is running, has ended" in waiting
    assert f"starts when run {running + 1}, which is queued, has ended" in behind
    assert forced.endswith("starts now\n")
    assert {run.available_at is None for run in list_runs(limit=2)} == {False, True}


@pytest.mark.usefixtures("service")
def test_trigger_remarks_what_stands_in_the_way_of_the_functions_slots(cli: Cli) -> None:
    seed_function("a.paused", state="paused")
    seed_function("a.disabled", enabled=False)
    seed_function("a.broken", scan_path="/f", module_path="bad.py")
    seed_scan_error("/f/bad.py")

    for name, remark in (
        ("a.paused", "a.paused is paused, its slots are skipped until `scheduler resume a.paused`"),
        ("a.disabled", "a.disabled is disabled in the code (enabled=False), its slots are skipped"),
        ("a.broken", "/f/bad.py cannot be scanned, so its runs will fail; `scheduler errors`"),
    ):
        code, out, err = cli("trigger", name)
        assert (code, out.endswith("starts now\n")) == (0, True)
        assert err.startswith(f"note: {remark}")


@pytest.mark.usefixtures("service")
def test_a_file_that_only_calls_for_a_warning_is_not_said_to_fail(cli: Cli) -> None:
    seed_function("a.prints", scan_path="/f", module_path="prints.py")
    seed_scan_error("/f/prints.py", severity="warning", error_type="ImportOutput")

    assert "cannot be scanned" not in cli("trigger", "a.prints")[2]
    assert "cannot be scanned" not in cli("explain", "a.prints")[1]


def test_a_function_that_is_gone_is_not_triggered_and_tells_where_it_should_be(
    cli: Cli, config: Config, tmp_path: Path
) -> None:
    (folder,) = config.scan_paths
    folder.mkdir()
    (folder / "there.py").touch()
    gone = {"state": "gone", "gone_at": time.time() - 125, "scan_path": str(folder)}
    seed_function("a.b", **gone, module_path="there.py")
    seed_function("a.file", **gone, module_path="nowhere.py")
    seed_function("a.path", state="gone", scan_path="/elsewhere")

    for name, why in (
        ("a.b", f"a.b has been gone for 2m 05s: {folder}/there.py does not have it"),
        ("a.file", f"{folder}/nowhere.py does not exist"),
        ("a.path", "a.path is gone: /elsewhere is not in scan_paths"),
    ):
        code, _, err = cli("trigger", name)
        assert code == 1
        assert why in err
        assert "scheduler errors" not in err
    assert list_runs() == []


def test_an_unknown_name_is_refused_with_the_nearest(cli: Cli) -> None:
    seed_function("reports.send")

    for command in ("trigger", "pause", "resume"):
        code, out, err = cli(command, "reports.sent")
        assert (code, out) == (1, "")
        assert "did you mean 'reports.send'?" in err


def test_pause_and_resume_change_the_state_once(cli: Cli) -> None:
    seed_function("a.b", next_run_at=4e9)

    assert cli("pause", "a.b")[1] == "a.b is paused; `scheduler resume a.b` lets it run again\n"
    assert find_function("a.b").state == "paused"
    assert cli("pause", "a.b")[1].startswith("a.b is paused already")
    assert cli("resume", "a.b")[1].startswith("a.b is resumed; its next slot is in ")
    assert find_function("a.b").state == "active"
    assert cli("resume", "a.b")[1].startswith("a.b was not paused")


def test_to_resume_a_disabled_function_does_not_promise_that_it_runs(cli: Cli) -> None:
    seed_function("a.b", state="paused", enabled=False, next_run_at=4e9)

    assert "a.b is resumed; but a.b is disabled in the code" in cli("resume", "a.b")[1]


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_a_function_that_is_gone_can_neither_be_paused_nor_resumed(cli: Cli, command: str) -> None:
    seed_function("a.b", state="gone")

    code, out, err = cli(command, "a.b")

    assert (code, out) == (1, "")
    assert err.startswith("error: a.b is gone")


@pytest.mark.usefixtures("service")
def test_cancel_takes_a_queued_run_off_and_asks_a_running_one(cli: Cli) -> None:
    function = seed_function("a.b")
    queued, running = seed_run(function, "queued"), seed_run(function, "running", at=1.8e9 + 60)

    assert cli("cancel", str(queued))[1] == f"run {queued} is cancelled, it had not started\n"
    assert find_run(queued).status == "cancelled"
    assert f"run {running} is being cancelled" in cli("cancel", str(running))[1]
    assert find_run(running).cancel_requested_at is not None


def test_a_running_run_of_a_dead_service_cannot_be_told_to_end(cli: Cli) -> None:
    run = seed_run(seed_function("a.b"), "running")

    code, out, err = cli("cancel", str(run))

    assert (code, out) == (1, "")
    assert f"run {run} is still running: its worker is dead and no ticker is alive" in err


@pytest.mark.parametrize("status", ["success", "cancelled"])
def test_what_has_ended_cannot_be_cancelled_and_is_called_what_it_is(cli: Cli, status: str) -> None:
    run = seed_run(seed_function("a.b"), status, finished_at=time.time() - 65)

    code, out, err = cli("cancel", str(run))

    assert (code, out) == (1, "")
    assert err.startswith(f"error: run {run} has ended already: {status}, 1m 0")
    assert cli("cancel", "99")[0] == 1


def test_only_a_running_run_has_a_stack(cli: Cli) -> None:
    function = seed_function("a.b")
    ended, waiting = seed_run(function), seed_run(function, "queued", at=1.0)

    for run, said in (
        (ended, "has ended already: success"),
        (waiting, "is not running, it is queued"),
    ):
        code, _, err = cli("stack", str(run))
        assert (code, err) == (1, f"error: run {run} {said}\n")


def test_prune_deletes_what_retention_says(cli: Cli) -> None:
    function = seed_function("a.b")
    for n in range(3):
        seed_run(function, at=1e9 + 60 * n)

    code, out, _ = cli("prune")

    assert (code, out) == (0, "2 runs deleted\n")  # the newest verdict stays
    assert len(list_runs()) == 1
    assert json.loads(cli("prune", "--json")[1]) == {"deleted": 0}
