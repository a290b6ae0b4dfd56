"""The commands that ask for something: what they write and what they say."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scheduler.cli import main
from scheduler.config import Config, load_config
from scheduler.db.connection import close_database
from scheduler.db.reports import find_function, find_run, list_runs
from scheduler.db.schema import init_schema, open_existing
from tests.db.seeding import seed_function, seed_process, seed_run

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
        code = main([*arguments, "--config", str(config.path)], {})
        captured = capsys.readouterr()
        open_existing(config)
        return code, captured.out, captured.err

    return call


def test_trigger_queues_a_run_and_says_that_nobody_is_there_to_execute_it(cli: Cli) -> None:
    seed_function("a.b")

    code, out, err = cli("trigger", "a.b")

    (run,) = list_runs()
    assert (run.status, run.trigger) == ("queued", "manual")
    assert (code, out) == (0, f"run {run.id} of a.b is queued and starts now\n")
    assert err.startswith("warning: no ticker and no worker is alive; it starts as soon as")


def test_trigger_warns_only_of_the_role_that_is_missing(cli: Cli, config: Config) -> None:
    seed_function("a.b")
    seed_process("ticker", heartbeat_at=4e9)

    code, out, err = cli("trigger", "a.b", "--json")

    assert json.loads(out) == {"run_id": 1, "status": "queued", "not_alive": ["worker"]}
    assert (code, err.split(";")[0]) == (0, "warning: no worker is alive")


def test_a_triggered_run_waits_for_an_open_one_unless_it_is_forced(cli: Cli) -> None:
    seed_run(seed_function("a.b"), "running")

    _, waiting, _ = cli("trigger", "a.b")
    _, forced, _ = cli("trigger", "a.b", "--force")

    assert waiting.endswith("starts when the run before it has ended\n")
    assert forced.endswith("starts now\n")
    assert [run.available_at is None for run in list_runs(limit=2)] == [False, True]


def test_a_function_that_is_gone_is_not_triggered(cli: Cli) -> None:
    seed_function("a.b", state="gone")

    code, _, err = cli("trigger", "a.b")

    assert (code, err.split(";")[0]) == (1, "error: a.b is gone from the code")
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
    assert cli("resume", "a.b")[1] == "a.b runs again\n"
    assert find_function("a.b").state == "active"
    assert cli("resume", "a.b")[1] == "a.b was not paused\n"


def test_a_function_that_is_gone_cannot_be_paused_and_says_so(cli: Cli) -> None:
    seed_function("a.b", state="gone")

    assert cli("pause", "a.b")[:2] == (0, "a.b is gone from the code; it has no slots to skip\n")


def test_cancel_takes_a_queued_run_off_and_asks_a_running_one(cli: Cli) -> None:
    function = seed_function("a.b")
    queued, running = seed_run(function, "queued"), seed_run(function, "running", at=1.8e9 + 60)

    assert cli("cancel", str(queued))[1] == f"run {queued} is cancelled, it had not started\n"
    assert find_run(queued).status == "cancelled"
    assert f"run {running} is being stopped" in cli("cancel", str(running))[1]
    assert find_run(running).cancel_requested_at is not None


def test_what_has_ended_cannot_be_cancelled(cli: Cli) -> None:
    run = seed_run(seed_function("a.b"))

    code, _, err = cli("cancel", str(run))

    assert (code, err) == (1, f"error: run {run} has ended already: success\n")
    assert cli("cancel", "99")[0] == 1


def test_only_a_running_run_has_a_stack(cli: Cli) -> None:
    run = seed_run(seed_function("a.b"))

    code, _, err = cli("stack", str(run))

    assert (code, err) == (1, f"error: run {run} is not running, it is success\n")


def test_prune_deletes_what_retention_says(cli: Cli) -> None:
    function = seed_function("a.b")
    for n in range(3):
        seed_run(function, at=1e9 + 60 * n)

    code, out, _ = cli("prune")

    assert (code, out) == (0, "2 runs deleted\n")  # the newest verdict stays
    assert len(list_runs()) == 1
    assert json.loads(cli("prune", "--json")[1]) == {"deleted": 0}
