"""The trial of the promises, as users run it: a minute of chaos, ten with --full."""

import subprocess
import sys
from pathlib import Path

import pytest

PATIENCE_SECONDS = 400.0  # beyond its own minutes: the first scan, the verdicts, the stop


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("minutes", [1, pytest.param(10, marks=pytest.mark.full)])
def test_two_tickers_and_three_workers_keep_every_promise_in_chaos(
    minutes: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seed = request.config.getoption("sample_seed")
    command = f"selftest --minutes {minutes} --chaos --seed {seed} --tickers 2 --workers 3"
    done = subprocess.run(
        [sys.executable, "-m", "scheduler", *command.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=minutes * 60 + PATIENCE_SECONDS,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "every slot has one verdict, nothing ran twice" in done.stdout
