"""The ties between worker, zygote and executors: whichever is killed, no user code runs on."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from scheduler.clock import SystemClock
from scheduler.errors import ZygoteGoneError
from scheduler.executor.child import ForkRefusedError
from scheduler.executor.client import Zygote
from scheduler.executor.pool import ExecutorPool
from tests.process.executors import (
    Background,
    Pool,
    family,
    make_pool,
    ping,
    ping_until,
    run,
    zygote_of,
)
from tests.process.service import is_alive, wait_for
from tests.process.workers import Worker


@pytest.fixture
def pool() -> Iterator[ExecutorPool]:
    pool = make_pool()
    yield pool
    pool.close()


@pytest.fixture
def make_leased_pool() -> Iterator[Callable[..., Pool]]:
    """Make pools with a short lease, which are closed when the test ends, however it does."""
    with ExitStack() as at_the_end:

        def make(lease_seconds: float = 0.5, **options: Any) -> Pool:
            pool = make_pool(lease_seconds=lease_seconds, **options)
            at_the_end.callback(pool.close)
            return pool

        yield make


@pytest.fixture
def make_zygote() -> Iterator[Callable[..., Zygote]]:
    """Start zygotes that are stopped when the test ends, however it does."""
    with ExitStack() as at_the_end:

        def make(kind: type[Zygote] = Zygote, **options: Any) -> Zygote:
            zygote = kind(**options)
            at_the_end.callback(zygote.stop)
            zygote.start()
            return zygote

        yield make


@pytest.fixture
def hangs(tmp_path: Path) -> dict[str, str]:
    """Return the request to inspect a file that never comes to its end."""
    (tmp_path / "hangs.py").write_text("import time\ntime.sleep(600)\n")
    return {"scan_path": str(tmp_path), "module_path": "hangs.py"}


def test_a_killed_zygote_takes_its_executors_along_and_the_run_is_lost(pool: ExecutorPool) -> None:
    background = Background(pool, "endless:sleeps")
    background.wait_for_output("sleeping")
    executors = family(zygote_of(pool))
    os.kill(zygote_of(pool), signal.SIGKILL)
    outcome = background.outcome()
    assert outcome.status == "lost"
    assert "zygote" in (outcome.reason or "")
    assert outcome.output == "sleeping\n"
    wait_for(lambda: not any(map(is_alive, executors)), "the executors' death")


def test_a_killed_zygote_costs_the_next_run_nothing(pool: ExecutorPool) -> None:
    run(pool, "good:nothing")
    before = zygote_of(pool)
    os.kill(before, signal.SIGKILL)
    assert run(pool, "good:give", isolated=True).status == "success"
    assert zygote_of(pool) != before


def test_a_ping_starts_a_dead_zygote_again(pool: ExecutorPool) -> None:
    before = zygote_of(pool)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: not is_alive(before), "the zygote's death")
    ping(pool)
    assert is_alive(zygote_of(pool))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_zygote_leaves_signals_to_its_worker(pool: ExecutorPool, number: int) -> None:
    os.kill(zygote_of(pool), number)
    assert run(pool, "good:give").status == "success"


def test_nothing_outlives_a_killed_worker() -> None:
    worker = Worker("endless:daemonises_and_sleeps", "daemon")
    assert len(worker.descendants) >= 3
    worker.close()
    wait_for(lambda: not any(map(is_alive, worker.descendants)), "everything to die")


def test_a_worker_that_loses_its_zygote_kills_what_it_adopts_and_goes_on() -> None:
    worker = Worker("endless:daemonises_and_sleeps", "daemon")
    os.kill(worker.zygote_pid, signal.SIGKILL)
    assert worker.read_line() == "lost\n"
    assert worker.read_line().startswith("again")
    wait_for(lambda: not any(map(is_alive, worker.descendants)), "everything old to die")
    assert len(family(worker.process.pid)) == 1
    worker.close()


def test_a_zygote_that_was_stopped_is_continued_and_tells_how_its_executor_ended(
    pool: ExecutorPool,
) -> None:
    background = Background(pool, "endless:stops_its_zygote_and_exits")
    wait_for(lambda: pool.look() and background.is_over(), "the end of the run")
    assert background.outcome().exit_code == 3


def test_a_stopped_zygote_ends_with_its_worker() -> None:
    worker = Worker("endless:daemonises_and_sleeps", "daemon")
    os.kill(worker.zygote_pid, signal.SIGSTOP)
    worker.close()
    wait_for(lambda: not any(map(is_alive, worker.descendants)), "everything to die")


def test_a_stopped_zygote_is_stopped_for_good_with_all_it_forked(pool: ExecutorPool) -> None:
    background = Background(pool, "endless:daemonises_and_sleeps")
    background.wait_for_output("daemon")
    everything = [zygote_of(pool), *family(zygote_of(pool))]
    os.kill(zygote_of(pool), signal.SIGSTOP)
    pool.close()
    assert background.outcome().status == "lost"
    wait_for(lambda: not any(map(is_alive, everything)), "everything to die")


class FrozenZygote(Zygote):
    """One that nothing continues, as if its container had been paused."""

    def _signal(self, number: int) -> None:
        if number != signal.SIGCONT:
            super()._signal(number)


def test_a_zygote_that_stays_silent_is_killed_with_all_it_forked(
    make_zygote: Callable[..., Zygote], hangs: dict[str, str]
) -> None:
    zygote = make_zygote(FrozenZygote)
    with open(os.devnull, "w") as nowhere:
        child = zygote.fork("inspect", hangs, [nowhere.fileno(), nowhere.fileno()])
    os.kill(zygote.pid, signal.SIGSTOP)
    looks = 1
    while zygote.look(float(looks)):
        looks += 1
        assert looks < 60, "a silent zygote is left alone"
    end = child.wait(30)
    assert end is not None
    assert end.is_unknown
    wait_for(lambda: not is_alive(child.pid), "the child's death")
    wait_for(lambda: not zygote.is_alive(), "its own")  # what it forked dies before it is buried
    child.close()


def test_a_zygote_that_answers_is_left_alone_however_seldom_one_looks(
    make_zygote: Callable[..., Zygote], hangs: dict[str, str]
) -> None:
    zygote = make_zygote()
    with open(os.devnull, "w") as nowhere:
        child = zygote.fork("inspect", hangs, [nowhere.fileno(), nowhere.fileno()])
    assert all(zygote.look(monotonic) for monotonic in (0, 1, 1000, 100_000))
    assert zygote.is_alive()
    zygote.stop()
    assert zygote.look(200_000)
    child.close()


def status_of(pid: int) -> dict[str, str]:
    """Return what the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_a_zygote_without_executors_is_not_woken_by_heartbeats(pool: ExecutorPool) -> None:
    wait_for(lambda: status_of(zygote_of(pool))["State"].startswith("S"), "it to sleep")
    before = status_of(zygote_of(pool))["voluntary_ctxt_switches"]
    for _ in range(20):
        ping(pool)
        assert pool.look()
    assert status_of(zygote_of(pool))["voluntary_ctxt_switches"] == before

    assert run(pool, "good:give").status == "success"
    assert status_of(zygote_of(pool))["voluntary_ctxt_switches"] != before


def test_a_zygote_that_was_left_to_sleep_beyond_its_lease_gets_it_with_the_next_fork(
    make_leased_pool: Callable[..., Pool],
) -> None:
    pool = make_leased_pool(max_runs_per_process=1)
    zygote = zygote_of(pool)
    for _ in range(3):
        background = Background(pool, "good:nothing")
        ping_until(pool, background.is_over, "the run's end")
        assert background.outcome().status == "success"
        wait_for(lambda: family(zygote) == [], "the executor's end")
        wait_for(lambda: pool.lease.now() > pool.lease.fuse_at() + 0.1, "the end of its lease")
    assert zygote_of(pool) == zygote


def test_without_a_ping_the_lease_runs_out_and_the_code_is_killed(
    make_leased_pool: Callable[..., Pool],
) -> None:
    pool = make_leased_pool()
    background = Background(pool, "endless:sleeps")
    ping_until(pool, lambda: "sleeping" in background.output, "the run's start")
    outcome = background.outcome()
    assert outcome.status == "lost"
    assert "lease" in (outcome.reason or "")
    assert family(zygote_of(pool)) == []


def let_lease_end(pool: Pool) -> None:
    """Have an executor forked, which dies when heartbeats stay away."""
    first = Background(pool, "good:nothing")
    ping_until(pool, first.is_over, "the first run's end")
    assert first.outcome().status == "success"
    wait_for(lambda: family(zygote_of(pool)) == [], "the idle executor's death")


def wait_in_vain(pool: Pool) -> Background:
    """Return a run that has waited to begin for more than another lease."""
    waiting = Background(pool, "good:nothing")
    until = pool.lease.now() + 2 * (pool.lease.seconds or 0)
    wait_for(lambda: pool.lease.now() > until, "longer than a lease")
    assert not waiting.is_over()
    return waiting


def test_after_its_lease_a_worker_starts_nothing_until_it_has_pinged(
    make_leased_pool: Callable[..., Pool],
) -> None:
    pool = make_leased_pool()
    let_lease_end(pool)
    zygote = zygote_of(pool)
    waiting = wait_in_vain(pool)
    assert family(zygote) == []
    ping_until(pool, waiting.is_over, "the run's end")
    assert waiting.outcome().status == "success"
    assert zygote_of(pool) == zygote


def test_a_zygote_that_has_killed_what_it_had_to_outlives_the_end_of_its_lease(
    make_leased_pool: Callable[..., Pool],
) -> None:
    pool = make_leased_pool()
    let_lease_end(pool)
    zygote = zygote_of(pool)
    wait_for(lambda: pool.lease.now() > pool.lease.fuse_at() + 0.1, "when it would be killed")
    assert is_alive(zygote)


def test_a_new_zygote_continues_the_lease_and_does_not_begin_one(
    make_leased_pool: Callable[..., Pool],
) -> None:
    pool = make_leased_pool()
    let_lease_end(pool)
    before = zygote_of(pool)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: not is_alive(before), "the zygote's death")
    waiting = wait_in_vain(pool)
    waiting.control.cut_off("the worker stops")
    outcome = waiting.outcome()
    assert outcome.status == "lost"
    assert "lease" in (outcome.reason or "")


def test_a_heartbeat_from_before_a_pause_renews_nothing(
    make_leased_pool: Callable[..., Pool],
) -> None:
    before_the_pause = SystemClock().monotonic()
    pool = make_leased_pool()
    let_lease_end(pool)
    pool.ping(before_the_pause)
    waiting = wait_in_vain(pool)
    pool.close()
    assert waiting.outcome().status == "lost"


def test_a_run_that_is_cancelled_before_a_late_heartbeat_is_cancelled_and_says_why_it_waited(
    make_leased_pool: Callable[..., Pool],
) -> None:
    pool = make_leased_pool()
    let_lease_end(pool)
    waiting = wait_in_vain(pool)
    waiting.control.cancel()
    outcome = waiting.outcome()
    assert outcome.status == "cancelled"
    assert "lease" in (outcome.reason or "")


def test_pings_keep_the_lease(make_leased_pool: Callable[..., Pool]) -> None:
    pool = make_leased_pool(lease_seconds=1.0)
    background = Background(pool, "endless:sleeps", timeout_seconds=2.5)
    ping_until(pool, background.is_over, "the run's end")
    assert background.outcome().status == "timeout"


def test_closing_the_pool_kills_running_code_and_the_run_is_lost(pool: ExecutorPool) -> None:
    background = Background(pool, "endless:daemonises_and_sleeps")
    background.wait_for_output("daemon")
    everything = [zygote_of(pool), *family(zygote_of(pool))]
    pool.close()
    assert background.outcome().status == "lost"
    wait_for(lambda: not any(map(is_alive, everything)), "everything to die")
    assert run(pool, "good:nothing").status == "lost"


def test_a_zygote_that_cannot_preload_a_module_says_so_and_goes_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    pool = make_pool(preload=["no_such_module", "wave"])
    assert run(pool, "good:nothing").status == "success"
    pool.close()
    (line,) = capfd.readouterr().err.splitlines()
    assert "WARNING: preload: no_such_module cannot be imported" in line
    assert "ModuleNotFoundError" in line


def test_a_preloaded_module_may_print_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "talkative.py").write_text("print('hello from preload')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    kept = os.dup(1)
    with open("/dev/full", "w") as full:  # a log on a full disk
        os.dup2(full.fileno(), 1)
    try:
        pool = make_pool(preload=["talkative"])
        outcomes = [run(pool, "good:talk", isolated=isolated) for isolated in (False, True)]
        pool.close()
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    for outcome in outcomes:
        assert outcome.status == "success"
        assert "preload" not in (outcome.output or "")


def test_the_zygote_stays_lean() -> None:
    heavy = (
        "huey peewee urwid scheduler.config msgspec asyncio ssl hashlib shutil argparse "
        "dataclasses inspect cronsim zoneinfo scheduler.executor.pool scheduler.logs"
    )
    script = (
        "import sys, scheduler.executor.zygote, scheduler.executor.stem, scheduler.runner.serving;"
        f"print([name for name in {heavy.split()} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


def test_a_forked_process_reports_its_end_and_its_cost(make_zygote: Callable[..., Zygote]) -> None:
    zygote = make_zygote()
    read_fd, write_fd = os.pipe()
    child = zygote.fork("executor", {"scan_path": "/nowhere"}, [write_fd])  # too few descriptors
    os.close(write_fd)
    end = child.wait(10)
    assert end is not None
    assert end.exit_code == 70
    assert end.cpu_total_seconds is not None
    child.close()
    os.close(read_fd)


def test_a_killed_child_reports_the_signal(
    make_zygote: Callable[..., Zygote], hangs: dict[str, str]
) -> None:
    zygote = make_zygote(niceness=5)
    with open(os.devnull, "w") as nowhere:
        child = zygote.fork("inspect", hangs, [nowhere.fileno(), nowhere.fileno()])
    assert os.getpriority(os.PRIO_PROCESS, child.pid) == min(19, os.nice(0) + 5)
    child.kill()
    end = child.wait(10)
    assert end is not None
    assert end.signal == signal.SIGKILL
    child.close()


def test_a_zygote_that_does_not_run_says_so() -> None:
    zygote = Zygote()
    with pytest.raises(ZygoteGoneError):
        zygote.ping(0.0)
    zygote.start()
    zygote.stop()
    with pytest.raises(ZygoteGoneError):
        zygote.ping(0.0)


def test_a_zygote_forks_nothing_while_no_descriptor_is_free(
    make_zygote: Callable[..., Zygote],
) -> None:
    zygote = make_zygote()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(ForkRefusedError, match="no pipe can be opened: Too many open files"):
            zygote.fork("executor", {"scan_path": "/nowhere"}, [])
        with pytest.raises(ZygoteGoneError, match="cannot be started: .*Too many open files"):
            Zygote().start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert zygote.is_alive()
