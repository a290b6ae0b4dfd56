"""The trial of the promises, as users run it: a minute of chaos, ten with --full."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scheduler.selftest.troop import processes_in
from tests.process.backends import BACKENDS, Backend, rows_of_server

COMMAND = [sys.executable, "-m", "scheduler", "selftest"]
PATIENCE_SECONDS = 400.0  # beyond its own minutes: the first scan, the verdicts, the stop


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("backend", "minutes"),
    [
        ("sqlite", 0.5),
        ("postgres+redis", 0.5),
        pytest.param("postgres", 0.5, marks=pytest.mark.full),
        *(pytest.param(name, 10, marks=pytest.mark.full) for name in BACKENDS),
    ],
    indirect=["backend"],
)
def test_two_tickers_and_three_workers_keep_every_promise_in_chaos(
    minutes: float, backend: Backend, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seed = request.config.getoption("sample_seed")
    options = f"--minutes {minutes} --chaos --seed {seed} --tickers 2 --workers 3"
    urls = [
        argument
        for key, url in backend.keys().items()
        for argument in (f"--{key.replace('_', '-')}", url)
    ]
    done = subprocess.run(
        [*COMMAND, *options.split(), *urls],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=minutes * 60 + PATIENCE_SECONDS,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "every slot has one verdict, nothing ran twice" in done.stdout
    if backend.database_url:
        schemas = "SELECT 1 FROM pg_namespace WHERE nspname LIKE 'scheduler_selftest%'"
        assert rows_of_server(backend.database_url, schemas, ()) == []


def test_a_trial_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "--minutes", "5"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as trial:
        assert trial.stdout is not None
        for line in trial.stdout:
            if line.startswith("running"):
                break
        (folder,) = tmp_path.iterdir()
        assert processes_in(folder)
        trial.send_signal(signal.SIGINT)
        assert trial.wait(PATIENCE_SECONDS) == 130
    assert list(tmp_path.iterdir()) == []
    assert processes_in(Path(f"{folder} (deleted)")) == []
