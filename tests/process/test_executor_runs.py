"""What a function gets and what comes back from it, in a real executor."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.executor.guards import missing_guards
from scheduler.executor.pool import ExecutorPool
from scheduler.runner.sources import hash_source
from tests.descriptors import open_descriptors
from tests.process.executors import (
    FUNCTIONS,
    SHARED_AND_ISOLATED,
    Background,
    Pool,
    make_pool,
    run,
)
from tests.process.service import wait_for


@pytest.fixture(scope="module", params=SHARED_AND_ISOLATED)
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    os.environ["SCHEDULER_DATABASE_URL"] = "postgresql://user:secret@host/db"
    os.environ["SCHEDULER_QUEUE_URL"] = "redis://:secret@host"
    os.environ["SCHEDULER_CONFIG"] = "kept.toml"
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    pool = make_pool(are_isolated=request.param)
    yield pool
    pool.close()
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    for name in ("DATABASE_URL", "QUEUE_URL", "CONFIG"):
        del os.environ[f"SCHEDULER_{name}"]


def test_a_function_uses_its_helpers_and_its_result_comes_back(pool: ExecutorPool) -> None:
    outcome = run(pool, "good:give")
    assert outcome.status == "success"
    assert outcome.result == "{'helper': 'beside', 'deep': 'below'}"


def test_a_function_that_returns_nothing_has_no_result_and_no_output(pool: ExecutorPool) -> None:
    outcome = run(pool, "good:nothing")
    assert (outcome.status, outcome.result, outcome.output) == ("success", None, None)


def test_a_function_can_ask_which_run_it_is_in(pool: ExecutorPool) -> None:
    outcome = run(pool, "good:whoami", attempt=3, trigger="manual", timeout_seconds=60)
    assert outcome.result == "('good.whoami', 7, 3, 'manual', True)"


def test_an_async_function_is_awaited(pool: ExecutorPool) -> None:
    assert run(pool, "good:later").result == "'later'"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_function_may_use_a_pool_of_processes(pool: ExecutorPool, method: str) -> None:
    outcome = run(pool, f"parallel:{method}", timeout_seconds=30)
    assert (outcome.status, outcome.result) == ("success", "[2, 4, 6]"), outcome


def test_a_child_of_a_function_dies_of_sigterm_as_anywhere(pool: ExecutorPool) -> None:
    assert run(pool, "parallel:terminates_a_child").result == str(-signal.SIGTERM)


def test_output_of_print_descriptors_and_children_is_caught_in_order(pool: ExecutorPool) -> None:
    assert run(pool, "good:talk").output == (
        "from print\nfrom stderr\nfrom the descriptor\nfrom a child\nwithout an end"
    )


def test_the_hash_of_the_executed_source_is_reported(pool: ExecutorPool) -> None:
    source = (FUNCTIONS / "good.py").read_bytes()
    assert run(pool, "good:nothing").source_hash == hash_source(source)


def test_time_and_memory_are_those_of_the_run_alone(pool: ExecutorPool) -> None:
    busy, idle = run(pool, "good:burn"), run(pool, "good:nothing")
    assert busy.cpu_seconds is not None
    assert idle.cpu_seconds is not None
    assert busy.cpu_seconds >= 0.2 > idle.cpu_seconds
    assert busy.peak_rss_bytes is not None
    assert idle.peak_rss_bytes is not None
    assert busy.peak_rss_bytes > idle.peak_rss_bytes + (32 << 20)


def test_passwords_of_the_service_are_not_in_the_environment(pool: ExecutorPool) -> None:
    assert run(pool, "good:environment").result == "['SCHEDULER_CONFIG']"


def test_the_surroundings_are_those_of_a_fresh_python_program(pool: ExecutorPool) -> None:
    result = eval(run(pool, "good:surroundings").result or "")
    assert result == {
        "stdin": "",
        "mask": [],
        "ignored": ["SIGPIPE", "SIGXFSZ"],
        "inheritable": [],
        "leads_group": True,
    }


def test_nothing_is_written_beside_the_users_files(pool: ExecutorPool) -> None:
    run(pool, "good:give")
    assert not list(FUNCTIONS.rglob("*.pyc"))


def test_an_error_is_reported_with_the_users_frames_only(pool: ExecutorPool) -> None:
    outcome = run(pool, "failing:raises")
    assert (outcome.status, outcome.error_type) == ("error", "ValueError")
    assert outcome.error_message == "bad\ufffd \ufffd value"
    assert outcome.output == "before the error\n"
    assert outcome.traceback is not None
    assert outcome.traceback.count("File ") == 1
    assert "failing.py" in outcome.traceback


def test_an_error_in_a_coroutine_shows_no_frames_of_asyncio(pool: ExecutorPool) -> None:
    outcome = run(pool, "failing:raises_later")
    assert outcome.error_type == "LookupError"
    assert "asyncio" not in (outcome.traceback or "").replace("asyncio.sleep", "")


def test_an_exception_that_cannot_say_what_it_is_is_an_error(pool: ExecutorPool) -> None:
    outcome = run(pool, "failing:raises_mute")
    assert outcome.status == "error"
    assert outcome.error_type == "failing.Mute"
    assert outcome.error_message == "<its str() raised RuntimeError>"


def test_what_is_told_of_the_users_classes_has_their_modules_names(pool: ExecutorPool) -> None:
    outcome = run(pool, "failing:raises_about_its_class")
    assert outcome.error_message == "no instance of <class 'failing.Mute'>"
    assert (outcome.traceback or "").endswith(
        "\nfailing.Unfit: no instance of <class 'failing.Mute'>\n"
    )
    assert run(pool, "failing:returns_its_class").result == "<class 'failing.Mute'>"


def test_texts_are_bounded_however_long_they_are(pool: ExecutorPool) -> None:
    outcome = run(pool, "failing:raises_huge")
    assert len(outcome.error_message or "") < 5_000
    assert len(outcome.traceback or "") < 40_000
    assert len(run(pool, "failing:returns_huge").result or "") < 5_000


def test_a_result_that_cannot_be_shown_is_a_success(pool: ExecutorPool) -> None:
    outcome = run(pool, "failing:returns_unrepresentable")
    assert outcome.status == "success"
    assert "Thing instance" in (outcome.result or "")


def test_endless_recursion_is_an_error(pool: ExecutorPool) -> None:
    assert run(pool, "failing:recurses").error_type == "RecursionError"


@pytest.mark.parametrize(("function", "code"), [("exits", 3), ("exits_quietly", 0)])
def test_sys_exit_is_an_error_with_its_code(pool: ExecutorPool, function: str, code: int) -> None:
    outcome = run(pool, f"failing:{function}")
    assert (outcome.status, outcome.error_type) == ("error", "SystemExit")
    assert outcome.exit_code == code


def test_a_file_that_does_not_parse_is_an_error_with_its_line(pool: ExecutorPool) -> None:
    outcome = run(pool, "broken:work")
    assert (outcome.status, outcome.error_type) == ("error", "SyntaxError")
    assert 'broken.py", line 1' in (outcome.traceback or "")


def test_a_file_that_exits_at_import_is_an_error(pool: ExecutorPool) -> None:
    outcome = run(pool, "exits_at_import:work")
    assert (outcome.error_type, outcome.exit_code) == ("SystemExit", 7)


def test_a_missing_file_or_function_is_an_error_that_names_it(pool: ExecutorPool) -> None:
    assert "gone.py does not exist" in (run(pool, "gone:work").error_message or "")
    assert "no function 'gone'" in (run(pool, "good:gone").error_message or "")


def test_output_beyond_the_limit_keeps_its_beginning_and_its_end(pool: ExecutorPool) -> None:
    outcome = run(pool, "endless:prints_much", output_limit_bytes=4096)
    assert outcome.output_bytes == len("the beginning\n") + 20_000 * 1001 + len("the end\n")
    assert outcome.output is not None
    assert len(outcome.output) < 5_000
    assert outcome.output.startswith("the beginning\n")
    assert outcome.output.endswith("the end\n")
    assert "bytes left out" in outcome.output


def test_output_is_handed_on_while_the_function_runs(pool: ExecutorPool) -> None:
    background = Background(pool, "endless:sleeps")
    assert background.wait_for_output("sleeping") == "sleeping\n"
    background.control.cancel()
    background.outcome()


def test_the_stack_of_a_running_function_can_be_asked_for(pool: ExecutorPool) -> None:
    background = Background(pool, "endless:counts_in_c")
    background.wait_for_output("counting")
    stacks: list[str] = []
    background.control.request_stack(stacks.append)
    background.control.request_stack(stacks.append)
    background.control.cancel()
    background.outcome()
    assert len(stacks) == 2
    assert all("in counts_in_c" in stack for stack in stacks)
    assert all("scheduler/" not in stack for stack in stacks)


def test_a_stack_tells_of_the_main_thread_first_and_then_of_the_others(pool: ExecutorPool) -> None:
    background = Background(pool, "endless:waits_for_thread")
    background.wait_for_output("joining")
    stack = _look_at(background)
    background.control.cancel()
    background.outcome()
    main, other = re.split(r"Thread \d+: ", stack)
    assert main.startswith("Stack (most recent call first):\n")
    assert "in waits_for_thread\n" in main
    assert "in naps\n" in other


def test_code_in_c_does_not_notice_that_it_is_looked_at(pool: ExecutorPool) -> None:
    background = Background(pool, "endless:reads_in_c")
    background.wait_for_output("reading")
    assert all("in reads_in_c" in _look_at(background) for _ in range(5))
    background.control.cancel()
    assert background.outcome().output == "reading\n"


def test_a_run_is_not_harmed_by_being_looked_at(pool: ExecutorPool) -> None:
    background = Background(pool, "endless:starts_threads")
    background.wait_for_output("starting")
    stacks = [_look_at(background) for _ in range(50)]
    background.control.cancel()
    outcome = background.outcome()
    assert all("in starts_threads" in stack for stack in stacks)
    assert (outcome.status, outcome.output) == ("cancelled", "starting\n")


def _look_at(background: Background) -> str:
    stacks: list[str] = []
    background.control.request_stack(stacks.append)
    wait_for(lambda: stacks or background.is_over(), "where it is")
    return "".join(stacks)


def test_a_stack_asked_for_before_the_run_begins_is_answered(pool: ExecutorPool) -> None:
    background = Background(pool, "endless:sleeps", isolated=True)
    stacks: list[str] = []
    background.control.request_stack(stacks.append)
    background.wait_for_output("sleeping")
    background.control.cancel()
    background.outcome()
    assert stacks


def test_a_file_that_does_not_import_is_the_only_reason_it_gives(pool: ExecutorPool) -> None:
    outcome = run(pool, "broken:work")
    assert (outcome.status, outcome.error_type) == ("error", "SyntaxError")
    assert outcome.reason is None


def test_what_a_file_leaves_behind_before_it_fails_to_import_costs_the_executor(
    pool: ExecutorPool, tmp_path: Path
) -> None:
    (tmp_path / "leaves.py").write_text(
        "import threading\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "raise ValueError\n"
    )
    outcome = run(pool, "leaves:work", scan_path=str(tmp_path))
    assert (outcome.status, outcome.error_type) == ("error", "ValueError")
    assert outcome.reason == "executor replaced: it left behind a thread"


def test_a_file_finds_its_helper_by_name_in_a_scan_path_that_is_a_package(
    pool: ExecutorPool, tmp_path: Path
) -> None:
    (tmp_path / "__init__.py").touch()
    (tmp_path / "beside_it.py").write_text("VALUE = 3")
    (tmp_path / "jobs.py").write_text("import beside_it\ndef work(): return beside_it.VALUE")
    assert run(pool, "jobs:work", scan_path=str(tmp_path)).result == "3"


def test_an_interrupted_run_does_not_leak_descriptors(tmp_path: Path) -> None:
    before = open_descriptors()
    pool = make_pool()
    for target in ("good:nothing", "failing:segfaults", "untidy:chdir", "exits_at_import:work"):
        run(pool, target)
    run(pool, "endless:sleeps", timeout_seconds=0.05)
    pool.close()
    assert open_descriptors() <= before


def test_the_guards_of_linux_are_all_there() -> None:
    assert missing_guards() == []


@pytest.mark.parametrize("are_isolated", SHARED_AND_ISOLATED)
def test_a_time_out_of_years_is_none_for_now(are_isolated: bool) -> None:
    pool = make_pool(are_isolated=are_isolated)
    outcome = run(pool, "good:give", timeout_seconds=100 * 365 * 86400.0)
    pool.close()
    assert outcome.status == "success"
