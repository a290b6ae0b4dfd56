"""When an executor serves the next run too, and what makes it be replaced."""

import os
import resource
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scheduler.clock import SystemClock
from scheduler.executor.call import Outcome
from scheduler.executor.pool import ExecutorPool
from tests.process.executors import (
    FUNCTIONS,
    SHARED_AND_ISOLATED,
    Background,
    family,
    make_pool,
    run,
)
from tests.process.service import wait_for

UNTIDY = {
    "chdir": "the working directory was changed",
    "chdir_into_nothing": "the working directory was changed",
    "umask": "the umask was changed",
    "environ": "the environment was changed",
    "environ_cleared": "the environment was changed",
    "path": "sys.path was changed",
    "modules": "the module json was replaced",
    "modules_cleared": "was replaced",
    "handler": "a signal handler was changed",
    "timer": "the alarm timer was changed",
    "cpu_timer": "a CPU timer was changed",
    "limit": "a resource limit was changed",
    "niceness": "the niceness was changed",
    "switch_interval": "the thread switch interval was changed",
    "mask": "the signal mask was changed",
    "recursion": "the recursion limit was changed",
    "stdin": "standard input was changed",
    "stdout": "standard output was changed",
    "stdout_object": "sys.stdout was replaced",
    "thread": "it left behind a thread",
    "child": "it left behind a child process",
    "time_patched": "time.time was replaced",
    "open_patched": "builtins.open was replaced",
    "random_patched": "random.random was replaced",
    "json_patched": "json.dumps was replaced",
    "json_broken": "json.dumps was replaced",
    "tracing": "the trace function was changed",
    "socket_timeout": "the default socket time-out was changed",
    "closes_low": "standard input was changed",
}


class FastClock(SystemClock):
    """Time that flies."""

    def monotonic(self) -> float:
        return super().monotonic() * 50


def prepare(pool: ExecutorPool) -> None:
    """Have successors forked, and wait until they are there."""
    threads = threading.active_count()
    pool.prepare()
    wait_for(lambda: threading.active_count() == threads, "the successor")


@pytest.fixture(scope="module")
def pool() -> Iterator[ExecutorPool]:
    pool = make_pool()
    yield pool
    pool.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the sample functions that may be edited."""
    return Path(shutil.copytree(FUNCTIONS, tmp_path / "jobs"))


def pid_of(outcome: Outcome) -> str:
    assert outcome.status == "success", outcome
    assert outcome.result is not None
    return outcome.result


def test_an_executor_serves_many_runs(pool: ExecutorPool) -> None:
    assert pid_of(run(pool, "good:pid")) == pid_of(run(pool, "good:pid"))


def test_an_error_does_not_cost_the_executor(pool: ExecutorPool) -> None:
    before = pid_of(run(pool, "good:pid"))
    run(pool, "failing:raises")
    run(pool, "failing:exits")
    assert pid_of(run(pool, "good:pid")) == before


def test_an_isolated_run_has_a_fresh_executor_and_nobody_follows_it(pool: ExecutorPool) -> None:
    pids = [pid_of(run(pool, "good:pid", isolated=isolated)) for isolated in (False, True, True)]
    assert len(set(pids)) == 3
    assert pid_of(run(pool, "good:pid")) == pids[0]


def test_an_executor_is_replaced_after_its_last_run() -> None:
    pool = make_pool(max_runs_per_process=2)
    pids = [pid_of(run(pool, "good:pid")) for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]
    pool.close()


def test_two_scan_paths_never_share_an_executor(pool: ExecutorPool, folder: Path) -> None:
    assert pid_of(run(pool, "good:pid")) != pid_of(run(pool, "good:pid", scan_path=str(folder)))


@pytest.mark.parametrize("function", UNTIDY)
def test_a_changed_process_is_replaced_and_the_reason_says_so_once(
    pool: ExecutorPool, function: str
) -> None:
    before = pid_of(run(pool, "good:pid"))
    outcome = run(pool, f"untidy:{function}")
    assert outcome.status == "success"
    assert outcome.reason is not None
    assert outcome.reason.startswith("executor replaced: ")
    assert outcome.reason.endswith(UNTIDY[function])
    after = run(pool, "good:pid")
    assert pid_of(after) != before
    assert after.reason is None


@pytest.mark.parametrize("function", ["seeds", "sets_the_state_of_random"])
def test_a_run_that_seeds_random_does_not_decide_what_the_next_ones_draw(
    pool: ExecutorPool, function: str
) -> None:
    before = pid_of(run(pool, "good:pid"))
    drawn = set()
    for _ in range(3):
        assert run(pool, f"untidy:{function}").reason is None
        drawn.add(run(pool, "good:draws").result)
    assert len(drawn) == 3
    assert pid_of(run(pool, "good:pid")) == before


@pytest.mark.parametrize(
    "function",
    [
        "closes_many",
        "forks_a_holder",
        "forks_and_both_return",
        "chatty_child",
        "patches_os",
        "open_patched_at_a_new_peak",
    ],
)
def test_the_result_comes_through_whatever_is_done_to_the_process(
    pool: ExecutorPool, function: str
) -> None:
    outcome = run(pool, f"untidy:{function}")
    assert outcome.status == "success"
    assert run(pool, "good:give").status == "success"


def test_an_isolated_run_is_heard_whatever_it_has_done_to_json(pool: ExecutorPool) -> None:
    outcome = run(pool, "untidy:json_broken", isolated=True)
    assert (outcome.status, outcome.result) == ("success", "'returned'")


def test_a_function_that_leaves_many_files_open_takes_them_from_no_other() -> None:
    _, hard = limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        pool = make_pool()
        before = pid_of(run(pool, "good:pid"))
        for _ in range(20):
            assert run(pool, "untidy:files_left_open").status == "success"
        assert pid_of(run(pool, "good:pid")) != before
        pool.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_preloaded_module_may_have_replaced_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other_json.py").write_text("import json\njson.dumps = json.loads = None\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    pool = make_pool(preload=["other_json"])
    try:
        assert run(pool, "good:give", isolated=True).status == "success"
        assert run(pool, "good:give").status == "success"
    finally:
        pool.close()


def test_garbage_on_the_control_channel_is_not_an_answer(pool: ExecutorPool) -> None:
    before = pid_of(run(pool, "good:pid"))
    assert run(pool, "untidy:writes_into_channels").result == "'returned'"
    assert pid_of(run(pool, "good:pid")) != before


@pytest.mark.parametrize("are_isolated", SHARED_AND_ISOLATED)
def test_what_runs_import_of_the_standard_library_is_there_for_later_processes(
    are_isolated: bool, folder: Path
) -> None:
    (folder / "imports.py").write_text(
        "import sys\n"
        "def found(): return [name in sys.modules for name in ('decimal', 'colorsys')]\n"
        "FOUND = found()\n"
        "import colorsys, decimal\n"
        "def work(): return FOUND\n"
    )
    pool = make_pool(are_isolated=are_isolated, max_runs_per_process=1)
    with closing(pool):
        assert run(pool, "imports:work", scan_path=str(folder)).result == "[False, False]"
        wait_for(
            lambda: run(pool, "imports:work", scan_path=str(folder)).result == "[True, False]",
            "a process that need not import what others have",
        )


def test_a_module_imported_while_a_function_runs_does_not_cost_the_executor(
    pool: ExecutorPool, folder: Path
) -> None:
    (folder / "late.py").write_text(
        "import os\ndef work():\n    import asyncio, decimal, traceback\n    return os.getpid()\n"
    )
    first, second = (run(pool, "late:work", scan_path=str(folder)) for _ in range(2))
    assert (first.result, first.reason) == (second.result, second.reason)


@pytest.mark.parametrize("are_isolated", SHARED_AND_ISOLATED)
@pytest.mark.parametrize("function", ["forges_answers", "makes_all_non_blocking"])
def test_whatever_a_function_does_to_the_channels_costs_no_run(
    function: str, are_isolated: bool
) -> None:
    pool = make_pool(are_isolated=are_isolated)
    with closing(pool):
        for run_id, name in enumerate((function, "raises", function, "child", "raises")):
            status = "error" if name == "raises" else "success"
            assert run(pool, f"untidy:{name}", run_id=run_id).status == status


def test_a_run_that_claims_not_to_have_begun_is_not_tried_for_ever(pool: ExecutorPool) -> None:
    outcome = run(pool, "untidy:claims_to_be_stale")
    assert outcome.status == "lost"
    assert "only the function can have written" in (outcome.reason or "")
    assert run(pool, "good:nothing").status == "success"


def test_an_isolated_run_that_claims_not_to_have_begun_is_not_tried_again() -> None:
    with closing(make_pool(are_isolated=True)) as pool:
        outcome = run(pool, "untidy:claims_to_be_stale")
        assert (outcome.status, outcome.output) == ("success", "began\n")


@pytest.mark.parametrize("are_isolated", SHARED_AND_ISOLATED)
@pytest.mark.parametrize("function", ["with_no_line", "with_lines", "with_answers"])
def test_a_run_that_floods_the_channels_is_timed_out(function: str, are_isolated: bool) -> None:
    with closing(make_pool(are_isolated=are_isolated)) as pool:
        outcome = run(pool, f"untidy:floods_{function}", timeout_seconds=0.5)
        assert outcome.status == "timeout"
        assert run(pool, "good:nothing").status == "success"


def test_closing_every_descriptor_is_a_clear_error(pool: ExecutorPool) -> None:
    outcome = run(pool, "untidy:closes_all")
    assert (outcome.status, outcome.error_type) == ("error", "ControlChannelLost")
    assert run(pool, "good:give").status == "success"


def test_an_executor_that_holds_too_much_memory_is_replaced() -> None:
    pool = make_pool(max_rss_bytes=64 << 20)
    before = pid_of(run(pool, "good:pid"))
    assert pid_of(run(pool, "good:pid")) == before
    outcome = run(pool, "untidy:memory")
    assert outcome.reason == "executor replaced: it held more than max_rss_mb = 64"
    assert pid_of(run(pool, "good:pid")) != before
    pool.close()


@pytest.mark.parametrize("edited", ["good.py", "helper.py", "pack/deep.py"])
def test_an_edited_file_is_live_at_the_next_run(
    pool: ExecutorPool, folder: Path, edited: str
) -> None:
    before = run(pool, "good:give", scan_path=str(folder))
    file = folder / edited
    file.write_text(file.read_text().replace("below", "BELOW").replace("beside", "BESIDE"))
    after = run(pool, "good:give", scan_path=str(folder))
    assert after.reason == f"executor replaced: {edited} was changed"
    if edited != "good.py":
        assert after.result != before.result
    else:
        assert after.result == before.result
    assert run(pool, "good:give", scan_path=str(folder)).reason is None


def test_a_mended_file_runs_at_once(pool: ExecutorPool, folder: Path) -> None:
    assert run(pool, "broken:work", scan_path=str(folder)).error_type == "SyntaxError"
    (folder / "broken.py").write_text("def work(): return 'mended'")
    assert run(pool, "broken:work", scan_path=str(folder)).result == "'mended'"


def test_a_deleted_file_is_an_error_that_names_it(pool: ExecutorPool, folder: Path) -> None:
    run(pool, "good:give", scan_path=str(folder))
    (folder / "good.py").unlink()
    outcome = run(pool, "good:give", scan_path=str(folder))
    assert outcome.status == "error"
    assert "good.py does not exist" in (outcome.error_message or "")


def test_what_a_file_does_at_import_is_normal_for_its_executor(
    pool: ExecutorPool, folder: Path
) -> None:
    (folder / "dotenv.py").write_text(
        "import os, sys\nos.environ['FROM_FILE'] = '1'\nsys.path.append('/opt/more')\n"
        "def work(): return os.environ['FROM_FILE']"
    )
    for _ in range(2):
        outcome = run(pool, "dotenv:work", scan_path=str(folder))
        assert (outcome.result, outcome.reason) == ("'1'", None)


def test_exit_functions_run_when_an_executor_retires(pool: ExecutorPool, folder: Path) -> None:
    mark = folder / "left"
    (folder / "leaving.py").write_text(
        "import atexit, pathlib\n"
        f"atexit.register(pathlib.Path({str(mark)!r}).touch)\n"
        "def work(): pass"
    )
    run(pool, "leaving:work", scan_path=str(folder), isolated=True)
    wait_for(mark.exists, "the exit function")


def test_runs_side_by_side_have_executors_of_their_own(pool: ExecutorPool, tmp_path: Path) -> None:
    both = [Background(pool, "endless:sleeps") for _ in range(3)]
    for background in both:
        background.wait_for_output("sleeping")
    assert pool.zygote_pid is not None
    assert len(family(pool.zygote_pid)) >= 3
    for background in both:
        background.control.cancel()
    assert [background.outcome().status for background in both] == ["cancelled"] * 3


def test_idle_executors_are_bounded(tmp_path: Path) -> None:
    pool = make_pool()
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "jobs.py").write_text("def work(): pass")
        assert run(pool, "jobs:work", scan_path=str(folder)).status == "success"
    assert pool.zygote_pid is not None
    zygote = pool.zygote_pid
    wait_for(lambda: len(family(zygote)) <= 4, "surplus executors to retire")
    pool.close()


def test_a_warm_executor_serves_the_first_run() -> None:
    pool = make_pool()
    pool.warm(str(FUNCTIONS))
    assert pool.zygote_pid is not None
    assert family(pool.zygote_pid) == [int(pid_of(run(pool, "good:pid")))]
    pool.close()


def test_a_successor_is_there_before_an_executor_is_worn_out() -> None:
    pool = make_pool(max_runs_per_process=4)
    pids = [int(pid_of(run(pool, "good:pid"))) for _ in range(2)]
    assert pool.zygote_pid is not None
    zygote = pool.zygote_pid
    prepare(pool)
    successor = set(family(zygote)) - set(pids)
    pids += [int(pid_of(run(pool, "good:pid"))) for _ in range(3)]
    assert pids == [pids[0]] * 4 + [*successor]
    pool.close()


def test_a_successor_has_imported_what_its_predecessor_ran(folder: Path) -> None:
    imported_in_run = "import scheduler\nIN_RUN = scheduler.current_run() is not None\n"
    (folder / "slow.py").write_text(f"{imported_in_run}print('hello')\ndef work(): return IN_RUN")
    pool = make_pool(max_runs_per_process=2)
    first = run(pool, "slow:work", scan_path=str(folder))
    prepare(pool)
    _, third = [run(pool, "slow:work", scan_path=str(folder)) for _ in range(2)]
    assert [first.result, third.result] == ["True", "False"]
    assert [first.output, third.output] == ["hello\n", None]
    pool.close()


def test_what_a_successor_has_imported_seeds_no_other_functions_numbers(folder: Path) -> None:
    (folder / "dice.py").write_text(
        "import random\nrandom.seed(1)\ndef work(): return random.random()"
    )
    pool = make_pool(max_runs_per_process=2)
    results = []
    for _ in range(3):
        run(pool, "dice:work", scan_path=str(folder))
        prepare(pool)
        run(pool, "good:nothing", scan_path=str(folder))
        results.append(run(pool, "dice:work", scan_path=str(folder)).result)
        run(pool, "good:nothing", scan_path=str(folder))
    assert len(set(results)) == 3
    pool.close()


def test_an_import_ahead_that_prints_for_ever_is_ended(folder: Path) -> None:
    (folder / "talks.py").write_text("import time\nwhile True: print(1); time.sleep(0.01)\n")
    pool = make_pool(clock=FastClock())
    pool.warm(str(folder), ["talks.py"])
    assert pool.zygote_pid is not None
    zygote = pool.zygote_pid
    wait_for(lambda: not family(zygote), "the end of the import")
    pool.close()


@pytest.mark.parametrize("fault", ["raise RuntimeError('broken')", "import os; os._exit(3)"])
def test_what_fails_in_a_successor_fails_in_the_run_that_follows(fault: str, folder: Path) -> None:
    (folder / "sound.py").write_text("def work(): return 1")
    pool = make_pool(max_runs_per_process=2)
    run(pool, "sound:work", scan_path=str(folder))
    (folder / "sound.py").write_text(fault)
    prepare(pool)
    assert run(pool, "sound:work", scan_path=str(folder)).status == "error"
    assert run(pool, "good:nothing", scan_path=str(folder)).status == "success"
    pool.close()


def test_an_executor_with_few_runs_gets_no_successor() -> None:
    pool = make_pool(max_runs_per_process=4)
    run(pool, "good:pid")
    assert pool.zygote_pid is not None
    pool.prepare()
    run(pool, "good:pid")
    pool.prepare()
    assert len(family(pool.zygote_pid)) == 1
    pool.close()


def test_random_numbers_differ_between_executors(pool: ExecutorPool, folder: Path) -> None:
    (folder / "dice.py").write_text("import random\ndef work(): return random.random()")
    results = {
        run(pool, "dice:work", scan_path=str(folder), isolated=True).result for _ in range(3)
    }
    assert len(results) == 3


def test_the_pool_runs_in_the_folder_the_worker_was_started_in(
    pool: ExecutorPool, folder: Path
) -> None:
    (folder / "where.py").write_text("import os\ndef work(): return os.getcwd()")
    assert run(pool, "where:work", scan_path=str(folder)).result == repr(os.getcwd())
