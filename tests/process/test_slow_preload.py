"""A zygote that takes long to load what it is to preload costs neither heartbeats nor verdicts."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scheduler import logs
from scheduler.executor.pool import ExecutorPool
from scheduler.repetition import Repetitions
from tests.process.executors import Background, make_pool, ping, ping_until, run
from tests.process.service import Service, children, is_alive, stop, wait_for

SLOW = """
import os, time
while os.path.exists({gate!r}):
    time.sleep(0.01)
"""


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file that the module `slow`, which can be preloaded, waits for to disappear."""
    gate = tmp_path / "gate"
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "slow.py").write_text(SLOW.format(gate=str(gate)))
    monkeypatch.setenv("PYTHONPATH", str(modules))
    return gate


@pytest.fixture
def pool(gate: Path) -> Iterator[ExecutorPool]:
    """Yield a pool whose zygote is ready; the next one takes as long as the test wants."""
    pool = make_pool(preload=["slow"], lease_seconds=4.0)
    gate.touch()
    yield pool
    gate.unlink(missing_ok=True)
    pool.close()


def kill_zygote(pool: ExecutorPool) -> None:
    victim = pool.zygote_pid
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: not is_alive(victim), "the zygote's death")


def soon(action: Callable[[], object], what: str) -> None:
    """Do it in a thread of its own; it must end by itself."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    wait_for(lambda: not thread.is_alive(), what, 20)


def test_heartbeats_go_on_and_the_lease_holds_while_a_zygote_loads(
    pool: ExecutorPool, gate: Path
) -> None:
    before = pool.zygote_pid
    kill_zygote(pool)
    soon(lambda: ping(pool), "the heartbeat")
    assert pool.zygote_pid != before
    waiting = Background(pool, "good:give")
    until = pool.lease.fuse_at()
    ping_until(pool, lambda: pool.lease.now() > until, "longer than a lease")
    assert not waiting.is_over()
    assert pool.look()
    gate.unlink()
    ping_until(pool, waiting.is_over, "the run's end")
    assert waiting.outcome().status == "success"


def test_a_run_that_lost_its_zygote_gets_its_verdict_while_the_next_one_loads(
    pool: ExecutorPool, gate: Path
) -> None:
    going = [Background(pool, "endless:sleeps") for _ in range(2)]
    ping_until(pool, lambda: all(background.output for background in going), "both runs")
    kill_zygote(pool)
    wait_for(lambda: all(background.is_over() for background in going), "both verdicts", 20)
    assert gate.exists()
    assert {background.outcome().status for background in going} == {"lost"}


def test_a_run_outlasts_a_zygote_that_dies_while_it_loads(pool: ExecutorPool, gate: Path) -> None:
    before = pool.zygote_pid
    kill_zygote(pool)
    waiting = Background(pool, "good:give")
    wait_for(lambda: pool.zygote_pid not in (None, before), "a zygote that loads")
    kill_zygote(pool)
    gate.unlink()
    ping_until(pool, waiting.is_over, "the run's end")
    assert waiting.outcome().status == "success"


def test_a_pool_closes_while_its_zygote_loads(pool: ExecutorPool) -> None:
    kill_zygote(pool)
    waiting = Background(pool, "good:give")
    wait_for(lambda: pool.zygote_pid and is_alive(pool.zygote_pid), "the next zygote")
    soon(pool.close, "the end of the pool")
    assert waiting.outcome().status == "lost"
    assert run(pool, "good:give").status == "lost"


def test_a_worker_whose_zygote_loads_for_longer_than_it_may_be_silent_stays_alive(
    service: Service, gate: Path
) -> None:
    toml = service.folder / "scheduler.toml"
    toml.write_text(toml.read_text() + 'preload = ["slow"]\n')
    service.write("often.py", "@schedule(timedelta(seconds=0.5))\ndef tick(): pass\n")
    process = service.start("run")
    success = "SELECT 1 FROM run_logs WHERE status = 'success'"
    service.wait_rows(success)
    gate.touch()
    (worker,) = service.pids("worker")
    (zygote,) = children(worker)
    os.kill(zygote, signal.SIGKILL)
    ((beat,),) = service.rows("SELECT beat FROM processes WHERE role = 'worker'")
    service.wait_rows("SELECT 1 FROM processes WHERE pid = ? AND beat > ?", worker, beat + 10)
    before = len(service.rows(success))
    gate.unlink()
    service.wait_rows(success, at_least=before + 2)
    assert service.rows("SELECT pid FROM processes WHERE role = 'worker'") == [(worker,)]
    assert "process.lost" not in service.read_log()
    assert stop(process) == 0


def test_somebody_waits_for_a_zygote_also_if_no_run_does(
    gate: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_repetitions", Repetitions(0.0))  # it says the same soon again
    pool = make_pool(preload=["slow", "no_such_module"])
    assert "no_such_module" in capfd.readouterr().err
    kill_zygote(pool)
    gate.touch()
    ping(pool)
    gate.unlink()
    wait_for(lambda: "no_such_module" in capfd.readouterr().err, "the zygote to be ready")
    assert pool.look()
    pool.close()


def test_a_zygote_whose_preload_hangs_does_not_outlive_whoever_started_it(gate: Path) -> None:
    gate.touch()
    start = "from scheduler.executor.client import Zygote; Zygote(preload=['slow']).start()"
    starter = subprocess.Popen([sys.executable, "-c", start])
    wait_for(lambda: children(starter.pid), "the zygote")
    (zygote,) = children(starter.pid)
    starter.kill()
    starter.wait()
    wait_for(lambda: not is_alive(zygote), "the zygote's end")
