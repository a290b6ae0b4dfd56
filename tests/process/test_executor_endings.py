"""Every way a run can end that is not a return, and who decides its verdict."""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from scheduler.executor.pool import ExecutorPool
from tests.process.executors import (
    SHARED_AND_ISOLATED,
    Background,
    Pool,
    family,
    make_pool,
    run,
)
from tests.process.service import is_alive, wait_for

GRACE_SECONDS = 0.5
PATIENCE_SECONDS = 5.0  # far below what any of these functions would take

ENDLESS = {
    "sleeps": "sleeping",
    "sleeps_async": "sleeping",
    "counts_in_c": "counting",
    "queries": "querying",
    "shells": "in a shell",
    "swallows": "swallowing",
    "ignores": "ignoring",
    "handles": "handling",
    "blocks": "blocking",
    "stops_itself": "stopping",
    "waits_for_thread": "joining",
}


@pytest.fixture(scope="module", params=SHARED_AND_ISOLATED)
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    pool = make_pool(terminate_grace_seconds=GRACE_SECONDS, are_isolated=request.param)
    yield pool
    pool.close()


def zygote_pid(pool: ExecutorPool) -> int:
    assert pool.zygote_pid is not None
    return pool.zygote_pid


@pytest.mark.parametrize("function", ENDLESS)
def test_the_time_out_ends_whatever_the_function_does(pool: ExecutorPool, function: str) -> None:
    began = time.monotonic()
    outcome = run(pool, f"endless:{function}", timeout_seconds=0.3)
    assert outcome.status == "timeout"
    assert "0.3 s" in (outcome.reason or "")
    assert time.monotonic() - began < PATIENCE_SECONDS
    assert outcome.output == ENDLESS[function] + "\n" + {
        "sleeps_async": "cleaned up\n",
        "handles": "not now\n",
    }.get(function, "")
    assert run(pool, "good:give").status == "success"


@pytest.mark.parametrize("function", ["sleeps", "counts_in_c", "queries", "swallows"])
def test_a_time_out_says_where_the_function_was(pool: ExecutorPool, function: str) -> None:
    outcome = run(pool, f"endless:{function}", timeout_seconds=0.3)
    assert f"in {function}" in (outcome.traceback or "")
    assert "scheduler/runner" not in (outcome.traceback or "")


def test_a_time_out_says_where_a_coroutine_awaited(pool: ExecutorPool) -> None:
    traceback = run(pool, "endless:sleeps_async", timeout_seconds=0.3).traceback or ""
    assert traceback.count("in sleeps_async\n    await asyncio.sleep(1000)") == 1
    assert "selectors.py" not in traceback
    assert "scheduler/runner" not in traceback


def test_an_error_while_cleaning_up_shows_no_frame_of_the_scheduler(pool: ExecutorPool) -> None:
    outcome = run(pool, "endless:fails_to_clean_up", timeout_seconds=0.3)
    traceback = outcome.traceback or ""
    assert (outcome.status, outcome.error_type) == ("timeout", "ValueError")
    assert traceback.count("time.sleep(1000)") == 1
    assert "\nscheduler.RunTerminated\n" in traceback
    assert "scheduler/runner" not in traceback


@pytest.mark.parametrize("function", ["sleeps", "shells", "swallows", "ignores"])
def test_a_cancelled_run_is_cancelled_and_dead(pool: ExecutorPool, function: str) -> None:
    background = Background(pool, f"endless:{function}")
    background.wait_for_output(ENDLESS[function])
    background.control.cancel()
    assert background.outcome().status == "cancelled"
    assert family(zygote_pid(pool)) == []


def test_a_function_may_clean_up_when_it_is_told_to_end(pool: ExecutorPool) -> None:
    outcome = run(pool, "endless:cleans_up", timeout_seconds=0.3)
    assert outcome.status == "timeout"
    assert outcome.output == "working\ncleaned up\n"


def test_a_function_may_clean_up_though_it_has_threads(pool: ExecutorPool) -> None:
    for _ in range(10):  # any thread may get a signal that is for the process
        background = Background(pool, "endless:cleans_up_beside_threads")
        background.wait_for_output("working")
        background.control.cancel()
        outcome = background.outcome()
        assert outcome.output == "working\ncleaned up\n"
        assert "in cleans_up_beside_threads" in (outcome.traceback or "")


def test_who_asked_decides_not_what_came_back(pool: ExecutorPool) -> None:
    outcome = run(pool, "endless:succeeds_when_told_to_stop", timeout_seconds=0.3)
    assert (outcome.status, outcome.result) == ("timeout", None)


def test_the_first_who_asks_decides(pool: ExecutorPool) -> None:
    background = Background(pool, "endless:ignores", timeout_seconds=20)
    background.wait_for_output("ignoring")
    background.control.cut_off("the service was stopped")
    background.control.cancel()
    outcome = background.outcome()
    assert outcome.status == "lost"
    assert (outcome.reason or "").startswith("the service was stopped")


@pytest.mark.parametrize("are_isolated", [False, True], ids=["shared", "isolated"])
def test_a_cancel_before_the_process_listens_is_not_forgotten(are_isolated: bool) -> None:
    for milliseconds in range(5):
        pool = make_pool(are_isolated=are_isolated)
        background = Background(pool, "endless:sleeps")
        threading.Timer(milliseconds / 1000, background.control.cancel).start()
        outcome = background.outcome()
        pool.close()
        assert outcome.status == "cancelled"
        assert "killed" not in (outcome.reason or "")


def test_a_second_stop_skips_the_grace() -> None:
    pool = make_pool(terminate_grace_seconds=1000)
    background = Background(pool, "endless:ignores")
    background.wait_for_output("ignoring")
    background.control.cut_off("the service was stopped")
    background.control.kill_now()
    outcome = background.outcome()
    assert outcome.status == "lost"
    assert (outcome.reason or "").startswith("the service was stopped")
    pool.close()


def test_a_file_that_hangs_at_import_is_ended_by_the_time_out(pool: ExecutorPool) -> None:
    outcome = run(pool, "hangs_at_import:work", timeout_seconds=0.3)
    assert (outcome.status, outcome.output) == ("timeout", "importing\n")


def test_a_flood_of_output_neither_blocks_nor_escapes_the_time_out(pool: ExecutorPool) -> None:
    outcome = run(pool, "endless:prints_forever", timeout_seconds=0.5)
    assert outcome.status == "timeout"
    assert outcome.output_bytes > 1_000_000
    assert len(outcome.output or "") < 70_000


@pytest.mark.parametrize(
    ("function", "number"),
    [
        ("segfaults", signal.SIGSEGV),
        ("aborts", signal.SIGABRT),
        ("bus", signal.SIGBUS),
        ("fpe", signal.SIGFPE),
        ("ill", signal.SIGILL),
        ("sys_", signal.SIGSYS),
        ("alarm", signal.SIGALRM),
    ],
)
def test_a_crash_is_an_error_with_its_signal(
    pool: ExecutorPool, function: str, number: signal.Signals
) -> None:
    outcome = run(pool, f"failing:{function}")
    assert (outcome.status, outcome.signal) == ("error", number)
    assert number.name in (outcome.error_message or "")
    assert outcome.cpu_seconds is not None


def test_a_crash_keeps_the_output_and_shows_where_it_was(pool: ExecutorPool) -> None:
    output = run(pool, "failing:segfaults").output or ""
    assert output.startswith("about to crash\n")
    assert "in segfaults" in output


def test_a_process_that_ends_itself_is_an_error_with_its_code(pool: ExecutorPool) -> None:
    outcome = run(pool, "failing:exits_at_once")
    assert (outcome.status, outcome.exit_code) == ("error", 4)
    assert outcome.output == "last words\n"


def test_a_process_that_becomes_another_program_is_an_error(pool: ExecutorPool) -> None:
    outcome = run(pool, "failing:becomes_another")
    assert (outcome.status, outcome.exit_code) == ("error", 5)
    assert outcome.output == "from the shell\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_kill_from_outside_is_a_loss_that_names_the_signal(
    pool: ExecutorPool, number: signal.Signals
) -> None:
    background = Background(pool, "endless:sleeps")
    background.wait_for_output("sleeping")
    os.kill(executor_pid(pool), number)
    outcome = background.outcome()
    assert outcome.status == "lost"
    assert f"{int(number)} ({number.name})" in (outcome.reason or "")
    assert outcome.output == "sleeping\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_executor_killed_while_idle_costs_no_run(pool: ExecutorPool, number: int) -> None:
    run(pool, "good:nothing")
    everybody = family(zygote_pid(pool))
    for pid in everybody:
        with suppress(ProcessLookupError):  # one that has answered may be gone
            os.kill(pid, number)
    wait_for(lambda: not any(map(is_alive, everybody)), "their death")
    assert run(pool, "good:give").status == "success"


def test_an_executor_stopped_while_idle_costs_no_run(pool: ExecutorPool) -> None:
    idle = run(pool, "good:pid", isolated=False).result
    os.kill(int(idle or 0), signal.SIGSTOP)
    background = Background(pool, "good:pid", isolated=False)
    assert background.outcome().result == idle


def test_what_a_crashed_function_left_behind_is_dead_before_the_verdict(pool: ExecutorPool) -> None:
    outcome = run(pool, "endless:daemonises_and_crashes")
    assert outcome.signal == signal.SIGABRT
    assert not is_alive(daemon_pid(outcome.output))


def test_what_a_timed_out_function_left_behind_is_dead_before_the_verdict(
    pool: ExecutorPool,
) -> None:
    outcome = run(pool, "endless:daemonises_and_sleeps", timeout_seconds=0.5)
    assert outcome.status == "timeout"
    assert not is_alive(daemon_pid(outcome.output))


@pytest.mark.parametrize("function", ["daemonises", "daemonises_twice"])
def test_a_daemon_of_a_function_that_returned_does_not_outlive_the_run(
    pool: ExecutorPool, function: str
) -> None:
    outcome = run(pool, f"endless:{function}")
    assert outcome.status == "success"
    assert "child process" in (outcome.reason or "")
    wait_for(lambda: not is_alive(daemon_pid(outcome.output)), "the daemon's death")


def test_a_running_neighbour_keeps_its_helper(pool: ExecutorPool) -> None:
    neighbour = Background(pool, "endless:shells")
    neighbour.wait_for_output("in a shell")
    wait_for(lambda: len(family(zygote_pid(pool))) >= 3, "the shell and its children")
    before = set(family(zygote_pid(pool)))
    run(pool, "endless:daemonises_and_crashes")
    assert before <= set(family(zygote_pid(pool)))
    neighbour.control.cancel()
    neighbour.outcome()


def executor_pid(pool: ExecutorPool) -> int:
    """Return the pid of the one process that executes functions, or will."""
    return family(zygote_pid(pool))[-1]


def daemon_pid(output: str | None) -> int:
    found = re.search(r"daemon (\d+)", output or "")
    assert found is not None, output
    return int(found[1])
