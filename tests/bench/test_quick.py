"""The quick form of the benchmark: every workload still measures what it says, without faults.

Never an absolute time: how busy the machine is, is no fault of the code.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.__main__ import WORKLOADS
from tests.bench.stage import ROOT
from tests.bench.workload import Workload

# Larger sizes than quick has would have to fill these.
ONLY_FULL = ("10k: ", "100k: ", "ticker CPU 100k / 1k")
WITH_PEER = ("W2", "W5")

pytestmark = pytest.mark.timeout(900)  # it is under a minute on a machine that has time

Lines = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """Run all workloads once as a user would; the lines by workload and measure."""
    return _measure(tmp_path_factory.mktemp("bench") / "bench.json")


def test_no_slot_is_missed_and_none_runs_twice_whatever_the_load(report: Lines) -> None:
    faults = {key: line["runs"] for key, line in report.items() if line["at_most"] == 0}

    assert len(faults) >= 10
    assert {key: runs for key, runs in faults.items() if any(runs)} == {}


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=list(WORKLOADS))
def test_every_measure_of_a_workload_is_taken(report: Lines, workload: Workload) -> None:
    expected = {
        measure.name for measure in workload.measures if not measure.name.startswith(ONLY_FULL)
    }

    assert {name for of, name in report if of == workload.name} == expected


def test_every_number_is_one(report: Lines) -> None:
    assert [
        key for key, line in report.items() if not all(value >= 0 for value in line["runs"])
    ] == []


def test_the_peer_is_measured_by_the_same_names(tmp_path: Path) -> None:
    lines = _measure(tmp_path / "bench.json", *WITH_PEER, "--peer")

    compared = {key: line for key, line in lines.items() if line["peer_runs"]}
    assert {of for of, _ in compared} == set(WITH_PEER)
    assert all(line["times_better"] > 0 for line in compared.values())
    assert len(compared) >= 6


def _measure(file: Path, *arguments: str) -> Lines:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--quick", "--json", str(file), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "| measured " in done.stdout
    found = json.loads(file.read_text())["results"]
    return {(line["workload"], line["measure"]): line for line in found}
