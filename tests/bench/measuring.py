"""Reads what processes and the disk cost: /proc of process trees, percentiles, fdatasync."""

import math
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from tests.process.service import descendants

MEGABYTE = 1_000_000
_TICKS = os.sysconf("SC_CLK_TCK")
_SYNCS = 100


class Tree:
    """Processes with all their descendants, also those that are born and die meanwhile."""

    def __init__(self, *roots: int) -> None:
        self._roots = roots

    def pids(self) -> list[int]:
        """Return all that live now."""
        return [pid for root in self._roots for pid in (root, *descendants(root))]

    def cpu_seconds(self) -> float:
        """Return user and system time since birth, with that of children already waited for."""
        return sum(map(cpu_seconds, self.pids()))

    def pss_mb(self) -> float:
        """Return the memory of all together; a page that several share counts once."""
        return sum(_status_mb(f"/proc/{pid}/smaps_rollup", "Pss") for pid in self.pids())


def cpu_seconds(pid: int) -> float:
    """Return a process's user and system time and that of its waited-for children; 0 if gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS
    return 0.0


def rss_mb(pid: int) -> float:
    """Return a process's resident memory now."""
    return _status_mb(f"/proc/{pid}/status", "VmRSS")


def peak_rss_mb(pid: int) -> float:
    """Return the most resident memory a process ever had."""
    return _status_mb(f"/proc/{pid}/status", "VmHWM")


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that `share` (0-1) of all do not exceed; NaN of nothing."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else math.nan


def milliseconds(seconds: float) -> float:
    """Turn seconds into milliseconds."""
    return seconds * 1000


def fdatasync_ms() -> tuple[float, float]:
    """Return median and 99th percentile of a 4 KiB write and fdatasync where the folders lie."""
    durations: list[float] = []
    with tempfile.TemporaryFile(buffering=0) as file:
        for _ in range(_SYNCS):
            file.seek(0)
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            durations.append(milliseconds(time.perf_counter() - began))
    return statistics.median(durations), percentile(durations, 0.99)


def time_commands(commands: Sequence[Sequence[str]], repeats: int, folder: Path) -> list[float]:
    """Return the median wall seconds of each command; they take turns, so that noise hits all."""
    durations: list[list[float]] = [[] for _ in commands]
    for _ in range(repeats):
        for command, taken in zip(commands, durations, strict=True):
            began = time.perf_counter()
            _run_silently(command, folder)
            taken.append(time.perf_counter() - began)
    return [statistics.median(taken) for taken in durations]


def _run_silently(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode()}"


def _status_mb(path: str, field: str) -> float:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(path).read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024 / MEGABYTE
    return 0.0
