"""How the supervisor plans the start of a process that does not start or stay."""

import os
import signal
import sys
from pathlib import Path

import pytest

from scheduler.config import load_config
from scheduler.supervisor import HEALTHY_SECONDS, Child
from scheduler.testing import SettableClock
from tests.descriptors import open_descriptors


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(1000.0)


@pytest.fixture
def child(clock: SettableClock, tmp_path: Path) -> Child:
    config = load_config(None, {"SCHEDULER_SCAN_PATHS": str(tmp_path)})
    return Child("worker", ["--version"], config, clock)


def test_a_process_that_has_worked_is_started_again_even_if_it_refuses_its_configuration(
    clock: SettableClock, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = load_config(None, {"SCHEDULER_SCAN_PATHS": str(tmp_path)})
    child = Child("worker", ["--no-such-option"], config, clock)

    child.start()
    child.send(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid or 0, os.WEXITED | os.WNOWAIT)
    clock.advance(HEALTHY_SECONDS)
    assert child.look(clock.monotonic())
    child.start()
    os.waitid(os.P_PID, child.pid or 0, os.WEXITED | os.WNOWAIT)
    assert child.look(clock.monotonic())
    assert child.restart_at is not None
    assert 'ended="exit code 2"' in capfd.readouterr().err


def test_a_process_that_cannot_be_started_is_tried_again_later_each_time(
    child: Child,
    clock: SettableClock,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = open_descriptors()
    python, waits = sys.executable, []
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    for _ in range(3):
        child.start()
        assert child.restart_at is not None
        waits.append(round(child.restart_at - clock.monotonic(), 3))
    assert waits == [0.1, 0.2, 0.4]
    assert child.has_ended()
    assert "process.unstarted role=worker error=" in capfd.readouterr().err
    assert open_descriptors() <= before

    monkeypatch.setattr(sys, "executable", python)
    child.start()
    assert (child.pid is not None, child.restart_at) == (True, None)
    os.waitid(os.P_PID, child.pid or 0, os.WEXITED | os.WNOWAIT)
    assert child.look(clock.monotonic())
    assert child.restart_at is not None
