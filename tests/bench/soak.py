"""`python -m tests.bench.soak`: does anything grow? Samples a service under steady load, with
retention on, and says of each number whether it stays flat after the first quarter."""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from tests.bench.measuring import MEGABYTE, rss_mb
from tests.bench.stage import on_stage
from tests.bench.workload import Setting
from tests.process.service import Service, command_line, descendants, stop

SAMPLES = 40
# Noise of a flat number: a tenth of it, and a little where it is small.
GROWTH_SHARE, GROWTH_LEAST = 1.1, 3.0
WARM_UP_SHARE = 0.25
KEPT_RUNS = 100
ONE = "@schedule(timedelta(seconds=1))\ndef f{0}():\n    print('soaking', {0})\n    return {0}\n\n"


@dataclass(frozen=True, slots=True)
class Sample:
    """What the service takes at one moment; memory and files in MB, RSS added up by role."""

    minute: float
    ticker_mb: float
    worker_mb: float
    others_mb: float
    processes: int
    threads: int
    fds: int
    db_mb: float
    wal_mb: float
    queue_mb: float
    rows: int
    newest: int
    late: float


def main(arguments: Sequence[str]) -> int:
    """Soak as the arguments say; returns 1 if something grows or slots were not run."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--rate", type=int, default=50, help="functions, each once a second")
    args = parser.parse_args(arguments)
    keys = {"retention_runs_per_function": KEPT_RUNS, "scan_interval_seconds": 10}
    with on_stage(Setting(), **keys) as service:
        service.write("soaking.py", "".join(map(ONE.format, range(args.rate))))
        run = service.start("run")
        service.wait_rows("SELECT 1 FROM run_logs WHERE status = 'success'")
        samples = _soak(service, run.pid, args.minutes * 60)
        code = stop(run)
        errors = [line for line in service.read_log().splitlines() if "ERROR" in line]
    grown = find_grown(samples)
    print(f"\nexit code {code}, {len(errors)} errors in the log", *errors[:3], sep="\n")
    print(f"NOT FLAT: {', '.join(grown)}" if grown else "flat: nothing grows")
    return 1 if grown or code or errors else 0


def find_grown(samples: Sequence[Sample]) -> list[str]:
    """Return the numbers whose median in the last quarter is above that of the second quarter."""
    quarter = max(1, len(samples) // 4)
    first = int(len(samples) * WARM_UP_SHARE)
    early, late = samples[first : first + quarter], samples[-quarter:]
    return [
        field.name
        for field in fields(Sample)
        if field.name not in {"minute", "newest"}
        and _median(late, field.name)
        > max(_median(early, field.name) * GROWTH_SHARE, _median(early, field.name) + GROWTH_LEAST)
    ]


def _median(samples: Sequence[Sample], name: str) -> float:
    return float(statistics.median(getattr(sample, name) for sample in samples))


def _soak(service: Service, pid: int, seconds: float) -> list[Sample]:
    print(" ".join(f"{field.name:>9}" for field in fields(Sample)))
    samples: list[Sample] = []
    began = time.monotonic()
    for number in range(1, SAMPLES + 1):
        time.sleep(max(0.0, began + seconds * number / SAMPLES - time.monotonic()))
        samples.append(_take(service, pid, (time.monotonic() - began) / 60))
        print(" ".join(f"{value:>9.5g}" for value in astuple(samples[-1])), flush=True)
    return samples


def _take(service: Service, pid: int, minute: float) -> Sample:
    pids = [pid, *descendants(pid)]
    memory = {"ticker": 0.0, "worker": 0.0, "others": 0.0}
    for each in pids:
        line = command_line(each)
        role = next((role for role in ("ticker", "worker") if f" {role} " in line), "others")
        memory[role] += rss_mb(each)
    ((rows, newest),) = service.rows("SELECT COUNT(*), MAX(id) FROM run_logs")
    ((late,),) = service.rows(
        "SELECT MAX(started_at - scheduled_for) FROM run_logs WHERE started_at > ?",
        time.time() - 60,
    )
    return Sample(
        minute,
        memory["ticker"],
        memory["worker"],
        memory["others"],
        len(pids),
        sum(_count(each, "task") for each in pids),
        sum(_count(each, "fd") for each in pids),
        _size_mb(service.database),
        _size_mb(Path(f"{service.database}-wal")),
        _size_mb(service.folder / "scheduler-queue.db"),
        rows,
        newest,
        late or 0.0,
    )


def _count(pid: int, folder: str) -> int:
    with suppress(OSError):
        return len(list(Path(f"/proc/{pid}/{folder}").iterdir()))
    return 0


def _size_mb(path: Path) -> float:
    return path.stat().st_size / MEGABYTE if path.exists() else 0.0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
