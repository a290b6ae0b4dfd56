"""Isolated runs: each in a process of its own, which a stem has forked before its call came."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.executors import FUNCTIONS, Background, Pool, family, make_pool
from tests.process.executors import run as run_on
from tests.process.service import is_alive, wait_for

COUNTED = """
import os
import scheduler
COUNT = []
def work():
    COUNT.append(scheduler.current_run().run_id)
    return COUNT, os.getppid()
"""
HELPED = """
import subprocess, time
def work():
    helpers = [subprocess.Popen(['sleep', '1000'], start_new_session=new) for new in (0, 1)]
    print('helpers', *(helper.pid for helper in helpers), '.', flush=True)
    time.sleep(1000)
"""
ESCAPED = """
import os, subprocess
def leave_one():
    helper = subprocess.Popen(['sleep', '1000'], start_new_session=True)
    print('helper', helper.pid, flush=True)
def work():
    leave_one()
    os._exit(0)
def executes():
    leave_one()
    os.execv('/bin/true', ['true'])
"""
LEAVING = """
import atexit, pathlib, time
def leave():
    print('exit function')
    pathlib.Path({mark!r}).touch()
    time.sleep(1000)
def work():
    print('run')
    atexit.register(leave)
"""
STOPPING = """
import os, signal
def stops():
    os.kill(os.getppid(), signal.SIGSTOP)
def stops_and_exits():
    stops()
    os._exit(3)
def stops_both_and_exits():
    with open(f'/proc/{os.getppid()}/stat') as file:
        os.kill(int(file.read().rpartition(')')[2].split()[1]), signal.SIGSTOP)
    stops_and_exits()
def stops_itself_and_others():
    os.killpg(0, signal.SIGSTOP)
    return 'continued'
"""
GREEDY = """
def work():
    bytearray(200_000_000)
"""


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    pool = make_pool(are_isolated=True)
    yield pool
    pool.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the sample functions that may be edited."""
    return Path(shutil.copytree(FUNCTIONS, tmp_path / "jobs"))


def run_and_wait(pool: Pool) -> tuple[int, int]:
    """Run something; return the pids of the one stem that lives, and of what waits for a call."""
    served = int(run_on(pool, "good:pid").result or 0)
    wait_for(lambda: not is_alive(served), "the end of the process")
    return pids(pool)


def pids(pool: Pool) -> tuple[int, int]:
    """Return the pids of the one stem that lives, and of the one process that it has forked."""
    assert pool.zygote_pid is not None
    zygote = pool.zygote_pid
    found: list[int] = []

    def are_two() -> bool:
        found[:] = family(zygote)
        return len(found) == 2

    wait_for(are_two, "a stem and its process")
    return found[0], found[1]


def pool_stem(pool: Pool) -> int:
    """Return the pid of the one stem that lives."""
    assert pool.zygote_pid is not None
    return family(pool.zygote_pid)[0]


def test_each_run_finds_modules_that_nobody_has_used_and_the_stem_remains(
    pool: Pool, folder: Path
) -> None:
    (folder / "counted.py").write_text(COUNTED)
    results = [run_on(pool, "counted:work", scan_path=str(folder), run_id=n) for n in range(3)]
    counts, parents = zip(*(eval(one.result or "") for one in results), strict=True)
    assert counts == ([0], [1], [2])
    assert len(set(parents)) == 1


def test_a_run_finds_nothing_of_what_its_stem_has_rehearsed(pool: Pool, folder: Path) -> None:
    (folder / "looks.py").write_text(
        "import sys\n"
        "def work(): return [name for name in sys.modules if name.startswith('_scheduled_')]\n"
    )
    first, *others = [run_on(pool, "looks:work", scan_path=str(folder)).result for _ in range(3)]
    assert others == [first, first]
    assert len(eval(first or "")) == 2, "the folder and its file"


def test_a_process_waits_for_the_next_call(folder: Path) -> None:
    pool = make_pool(are_isolated=True)
    _, waiting = run_and_wait(pool)
    assert run_on(pool, "good:pid").result == str(waiting)
    pool.close()


@pytest.mark.parametrize("edited", ["good.py", "helper.py", "pack/deep.py"])
def test_an_edited_file_is_live_at_the_next_run_though_it_was_compiled_ahead(
    pool: Pool, folder: Path, edited: str
) -> None:
    for _ in range(3):
        before = run_on(pool, "good:give", scan_path=str(folder))
    file = folder / edited
    file.write_text(file.read_text() + "\nVALUE = 'new'\nDEEP = 'new'\ndef give(): return 'new'\n")
    after = run_on(pool, "good:give", scan_path=str(folder))
    assert before.result != after.result
    assert "new" in (after.result or "")


def test_a_file_is_hashed_as_it_was_executed_also_when_it_was_compiled_ahead(pool: Pool) -> None:
    assert len({run_on(pool, "good:nothing").source_hash for _ in range(3)}) == 1
    assert run_on(pool, "good:nothing").source_hash is not None


@pytest.mark.parametrize("fault", ["1 +", "import os; os._exit(3)", "raise ValueError", "\0"])
def test_a_file_that_breaks_fails_and_runs_again_when_it_is_mended(
    pool: Pool, folder: Path, fault: str
) -> None:
    file = folder / "broken.py"
    for text, status in (("", "success"), (fault, "error"), ("", "success")):
        file.write_text(f"{text}\ndef work(): pass")
        for _ in range(2):
            assert run_on(pool, "broken:work", scan_path=str(folder)).status == status


def test_a_warning_of_the_compiler_shows_in_every_run(pool: Pool, folder: Path) -> None:
    (folder / "warned.py").write_text("def work(): return 1 is 1")
    for _ in range(3):
        output = run_on(pool, "warned:work", scan_path=str(folder)).output or ""
        assert "SyntaxWarning" in output


@pytest.mark.parametrize("ending", ["failing:segfaults", "failing:exits_at_once", "failing:raises"])
def test_a_run_that_fails_costs_no_stem(ending: str) -> None:
    pool = make_pool(are_isolated=True)
    run_on(pool, "good:nothing")
    stem, _ = pids(pool)
    assert run_on(pool, ending).status == "error"
    assert run_on(pool, "good:nothing").status == "success"
    assert pids(pool)[0] == stem
    pool.close()


@pytest.mark.parametrize("timeout_seconds", [None, 5.0])
def test_a_run_that_stops_its_stem_costs_no_other_run(
    folder: Path, timeout_seconds: float | None
) -> None:
    (folder / "stopping.py").write_text(STOPPING)
    pool = make_pool(are_isolated=True)
    assert run_on(pool, "stopping:stops", scan_path=str(folder)).status == "success"
    stem = pool_stem(pool)
    options = {"scan_path": str(folder), "timeout_seconds": timeout_seconds}
    assert Background(pool, "good:give", **options).outcome().status == "success"
    assert pool_stem(pool) == stem
    pool.close()


@pytest.mark.parametrize("function", ["stops_and_exits", "stops_both_and_exits"])
def test_a_run_cannot_hide_its_end_by_stopping_who_would_tell(folder: Path, function: str) -> None:
    (folder / "stopping.py").write_text(STOPPING)
    pool = make_pool(are_isolated=True)
    background = Background(pool, f"stopping:{function}", scan_path=str(folder))
    wait_for(lambda: pool.look() and background.is_over(), "the end of the run", 20)
    assert background.outcome().exit_code == 3
    pool.close()


def test_a_run_that_stops_itself_is_continued(pool: Pool, folder: Path) -> None:
    (folder / "stopping.py").write_text(STOPPING)
    for isolated in (True, False):
        target = "stopping:stops_itself_and_others"
        background = Background(pool, target, scan_path=str(folder), isolated=isolated)
        assert background.outcome().result == "'continued'"


@pytest.mark.parametrize("which", [0, 1])
def test_a_stem_or_its_process_stopped_from_outside_costs_no_run(which: int) -> None:
    pool = make_pool(are_isolated=True)
    both = run_and_wait(pool)
    os.kill(both[which], signal.SIGSTOP)
    assert Background(pool, "good:pid").outcome().result == str(both[1])
    assert Background(pool, "good:give").outcome().status == "success"
    pool.close()


@pytest.mark.parametrize("ending", ["work", "executes"])
def test_what_a_run_started_is_dead_before_the_verdict_however_quietly_it_ends(
    pool: Pool, folder: Path, ending: str
) -> None:
    (folder / "escaped.py").write_text(ESCAPED)
    outcome = run_on(pool, f"escaped:{ending}", scan_path=str(folder))
    assert outcome.status == "error"
    assert outcome.output is not None
    assert not is_alive(int(outcome.output.split()[1]))


def test_what_a_run_used_is_not_told_of_the_next_one_that_dies(pool: Pool, folder: Path) -> None:
    (folder / "greedy.py").write_text(GREEDY)
    greedy = run_on(pool, "greedy:work", scan_path=str(folder)).peak_rss_bytes or 0
    dead = run_on(pool, "failing:exits_at_once", scan_path=str(folder))
    assert 0 < (dead.peak_rss_bytes or 0) < greedy - 100_000_000


def test_exit_functions_run_unheard_and_nobody_waits_for_them(pool: Pool, folder: Path) -> None:
    mark = folder / "mark"
    (folder / "leaving.py").write_text(LEAVING.format(mark=str(mark)))
    outcomes = [run_on(pool, "leaving:work", scan_path=str(folder)) for _ in range(2)]
    assert [outcome.output for outcome in outcomes] == ["run\n", "run\n"]
    wait_for(mark.exists, "the exit function")
    assert run_on(pool, "good:give", scan_path=str(folder)).output is None


def test_an_exit_function_of_a_library_keeps_no_other_run_waiting(pool: Pool, folder: Path) -> None:
    (folder / "logs.py").write_text(
        "import logging, time\n"
        "class Slow(logging.Handler):\n"
        "    def flush(self): time.sleep(1)\n"
        "def work(): logging.getLogger('x').addHandler(Slow())\n"
    )
    run_on(pool, "logs:work", scan_path=str(folder))
    outcome = run_on(pool, "good:give", scan_path=str(folder), timeout_seconds=0.9)
    assert outcome.status == "success"


def test_what_one_run_does_to_the_output_is_undone_before_the_next(
    pool: Pool, folder: Path
) -> None:
    (folder / "output.py").write_text(
        "import os, signal\n"
        "def spoil():\n"
        "    os.set_blocking(1, False)\n"
        "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "    os.killpg(0, signal.SIGINT)\n"
        "def work(): print('x' * 1_000_000)\n"
    )
    assert run_on(pool, "output:spoil", scan_path=str(folder)).status == "success"
    outcome = run_on(pool, "output:work", scan_path=str(folder))
    assert (outcome.status, outcome.output_bytes) == ("success", 1_000_001)


def test_what_a_thread_prints_after_its_run_is_in_no_other(pool: Pool, folder: Path) -> None:
    (folder / "talks.py").write_text(
        "import threading\n"
        "def talk():\n"
        "    while True: print('talk', flush=True)\n"
        "threading.Thread(target=talk, daemon=True).start()\n"
        "def work(): pass\n"
    )
    for _ in range(10):
        assert run_on(pool, "talks:work", scan_path=str(folder)).status == "success"
        assert run_on(pool, "good:nothing", scan_path=str(folder)).output is None


def test_a_scan_path_may_become_a_package(pool: Pool, folder: Path) -> None:
    run_on(pool, "good:nothing", scan_path=str(folder))
    (folder / "__init__.py").write_text("VALUE = 2")
    (folder / "inside.py").write_text("from . import VALUE\ndef work(): return VALUE")
    assert run_on(pool, "inside:work", scan_path=str(folder)).result == "2"


def test_a_retired_stem_waits_for_exit_functions(folder: Path) -> None:
    pool = make_pool(are_isolated=True)
    mark = folder / "mark"
    text = LEAVING.format(mark=str(mark)).replace(
        "    print('exit", "    time.sleep(0.3)\n    print('exit"
    )
    (folder / "leaving.py").write_text(text)
    run_on(pool, "leaving:work", scan_path=str(folder))
    for number in range(10):  # more than are kept
        (folder / str(number)).mkdir()
        (folder / str(number) / "jobs.py").write_text("def work(): pass")
        run_on(pool, "jobs:work", scan_path=str(folder / str(number)))
    wait_for(mark.exists, "the exit function")
    pool.close()


def test_a_process_and_what_it_started_die_with_their_stem(folder: Path) -> None:
    pool = make_pool(are_isolated=True)
    (folder / "helped.py").write_text(HELPED)
    background = Background(pool, "helped:work", scan_path=str(folder))
    _, *helpers, _ = background.wait_for_output(".").split()
    assert pool.zygote_pid is not None
    stem, process, *_ = family(pool.zygote_pid)
    os.kill(stem, signal.SIGKILL)
    assert background.outcome().status == "lost"
    assert not any(map(is_alive, [process, *map(int, helpers)]))
    pool.close()


@pytest.mark.parametrize(("number", "is_kept"), [(signal.SIGKILL, True), (signal.SIGTERM, False)])
def test_a_process_killed_while_it_waits_costs_no_run(number: int, is_kept: bool) -> None:
    pool = make_pool(are_isolated=True)
    stem, process = run_and_wait(pool)
    os.kill(process, number)
    wait_for(lambda: not is_alive(process if is_kept else stem), "its death")
    assert run_on(pool, "good:give").status == "success"
    assert (pids(pool)[0] == stem) == is_kept
    pool.close()


@pytest.mark.parametrize(
    ("point", "status"),
    [
        ("isolated.waiting", "lost"),  # one after another, until the stem gives up
        ("isolated.taken", "lost"),
        ("isolated.answering", "lost"),
        ("isolated.answered", "success"),
    ],
)
def test_a_process_killed_anywhere_is_told_of_once_and_costs_no_other_run(
    monkeypatch: pytest.MonkeyPatch, point: str, status: str
) -> None:
    monkeypatch.setenv("SCHEDULER_CRASH_POINT", point)
    pool = make_pool(are_isolated=True)
    for number in range(1, 6):
        outcome = run_on(pool, "good:give", run_id=number)
        assert outcome.status == status, outcome
        assert outcome.reason is None or status == "lost"
    pool.close()


def test_a_stem_whose_processes_cannot_live_gives_up() -> None:
    pool = make_pool(are_isolated=True)
    run_on(pool, "good:nothing")
    stem, _ = pids(pool)

    def kill_the_waiting() -> bool:
        for pid in family(stem):
            os.kill(pid, signal.SIGKILL)
        return not is_alive(stem)

    wait_for(kill_the_waiting, "the stem's end")
    assert run_on(pool, "good:give").status == "success"
    pool.close()


def test_no_process_outlives_a_pool() -> None:
    pool = make_pool(are_isolated=True)
    run_on(pool, "good:nothing")
    everything = pids(pool)
    pool.close()
    wait_for(lambda: not any(map(is_alive, everything)), "the end of all")
