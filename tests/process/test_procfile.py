"""The Procfile under honcho: several tickers and workers, and what the death of one does."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.readme import ROOT
from tests.process.backends import ALL_BACKENDS
from tests.process.service import Service, children, stop, wait_for
from tests.process.slots import gapless
from tests.process.test_service import EVERY_SECOND

_BIN = Path(sys.executable).parent
_TICKS = "SELECT 1 FROM run_logs WHERE status = 'success'"


@ALL_BACKENDS
def test_two_tickers_and_three_workers_decide_each_slot_once_and_stop_together(
    service: Service,
) -> None:
    service.write("clock.py", EVERY_SECOND)

    with _honcho(service, "ticker=2,worker=3") as honcho:
        wait_for(lambda: len(service.pids("ticker")) == 2, "two tickers")
        wait_for(lambda: len(service.pids("worker")) == 3, "three workers")
        service.wait_rows(_TICKS, at_least=3)
        stop(honcho, signal.SIGINT)

    assert gapless(service, "clock.tick") >= 3
    assert service.living() == []


@pytest.mark.parametrize("role", ["ticker", "worker"])
def test_a_killed_process_ends_the_others_and_starting_again_goes_on(
    service: Service, role: str
) -> None:
    service.write("clock.py", EVERY_SECOND)

    with _honcho(service, "ticker=1,worker=2") as honcho:
        service.wait_rows(_TICKS, at_least=2)
        os.kill(service.pids(role)[0], signal.SIGKILL)
        assert honcho.wait(60) != 0
    wait_for(lambda: service.living() == [], "the end of all processes")
    before = len(service.rows(_TICKS))
    with _honcho(service, "ticker=1,worker=2") as honcho:
        service.wait_rows(_TICKS, at_least=before + 2)
        stop(honcho, signal.SIGTERM)

    assert gapless(service, "clock.tick") >= 4
    assert service.rows("SELECT 1 FROM run_logs WHERE status = 'running'") == []


@pytest.mark.parametrize("part", ["zygote", "executor"])
def test_a_killed_zygote_or_executor_is_replaced_and_honcho_goes_on(
    service: Service, part: str
) -> None:
    service.write("clock.py", EVERY_SECOND)

    with _honcho(service, "ticker=1,worker=1") as honcho:
        service.wait_rows(_TICKS, at_least=2)
        (zygote,) = children(service.pids("worker")[0])
        os.kill(zygote if part == "zygote" else children(zygote)[0], signal.SIGKILL)
        before = len(service.rows(_TICKS))
        service.wait_rows(_TICKS, at_least=before + 2)
        assert honcho.poll() is None
        stop(honcho, signal.SIGINT)

    assert gapless(service, "clock.tick") >= 4
    assert service.living() == []


@contextmanager
def _honcho(service: Service, processes: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start the Procfile with the service's configuration; kill honcho if the test leaves it."""
    options = ["-d", str(service.folder), "-f", str(ROOT / "Procfile")]
    environ = {
        **os.environ,
        "PATH": f"{_BIN}:{os.environ['PATH']}",
        "SCHEDULER_CONFIG": str(service.folder / "scheduler.toml"),
    }
    with service.log.open("ab") as log:
        honcho = subprocess.Popen(
            [str(_BIN / "honcho"), *options, "start", "-c", processes],
            env=environ,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield honcho
    finally:
        honcho.kill()
        honcho.wait()
