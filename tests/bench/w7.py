"""W7: functions that import something heavy, with reused executors and with `preload`."""

import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.functions import Functions
from tests.bench.grid import TAIL_SECONDS, Window
from tests.bench.measuring import Tree, milliseconds
from tests.bench.peer import sleep_until
from tests.bench.stage import on_stage, start_ticker, start_worker
from tests.bench.workload import BACKENDS, Measure, Numbers, Setting, Workload
from tests.process.service import Service

SETTLE_SECONDS = 3.0
IMPORT_SECONDS = 0.5
_HEAVY = """\
import os, time

_before = time.process_time()
while time.process_time() - _before < {seconds!r}:
    sum(range(10_000))
with open({journal!r}, "a") as journal:
    journal.write(f"{{os.getpid()}} {{time.time()!r}} {{time.process_time() - _before!r}}\\n")
"""


@dataclass(frozen=True, slots=True)
class _Import:
    pid: int
    ended_at: float
    cpu_seconds: float


def run(setting: Setting) -> Numbers:
    """Measure both ways to pay for the import."""
    return {
        **_run(setting, "reused: ", preload=[]),
        **_run(setting, "preload: ", preload=["heavy"]),
    }


def _run(setting: Setting, part: str, preload: list[str]) -> Numbers:
    with on_stage(setting, preload=preload) as service:
        library = service.folder / "library"
        journal = service.folder / "imports"
        _write_heavy(library, journal, setting.choose(IMPORT_SECONDS, 0.05))
        _functions().write(service)
        start_ticker(service, library=library)
        tree = Tree(start_worker(service, library=library).pid)
        window = Window.after(setting.choose(SETTLE_SECONDS, 0.5), setting.choose(60.0, 2.0))
        sleep_until(window.begin_at)
        before = tree.cpu_seconds()
        sleep_until(window.end_at)
        used = tree.cpu_seconds() - before
        time.sleep(TAIL_SECONDS)
        return _numbers(service, part, window, used, _read_imports(journal))


def _numbers(
    service: Service, part: str, window: Window, used: float, imports: list[_Import]
) -> Numbers:
    rows = service.rows(
        "SELECT result, started_at FROM run_logs WHERE status = 'success' AND result IS NOT NULL"
    )
    executors = {int(pid) for pid, _ in rows}
    runs = sum(window.begin_at <= started_at < window.end_at for _, started_at in rows)
    own = [found for found in imports if found.pid in executors]
    # Those of successors too, which have imported ahead and run nothing yet.
    paid = sum(
        found.cpu_seconds for found in imports if window.begin_at <= found.ended_at < window.end_at
    )
    return {
        f"{part}CPU per run without imports": milliseconds((used - paid) / runs),
        f"{part}CPU per run": milliseconds(used / runs),
        f"{part}imports per executor": len(own) / len(executors),
        f"{part}executors": len(executors),
    }


def _functions() -> Functions:
    return Functions(
        files=2,
        per_file=1,
        interval_seconds=1.0,
        first_at=float(int(time.time()) - 10),
        step_seconds=0.5,
        body="return os.getpid()",
        imports="import heavy",
    )


def _write_heavy(library: Path, journal: Path, seconds: float) -> None:
    library.mkdir()
    text = _HEAVY.format(seconds=seconds, journal=str(journal))
    (library / "heavy.py").write_text(text)


def _read_imports(journal: Path) -> list[_Import]:
    lines = (line.split() for line in journal.read_text().splitlines())
    return [_Import(int(pid), float(ended_at), float(cpu)) for pid, ended_at, cpu in lines]


WORKLOAD = Workload(
    "W7",
    "functions with a heavy import (0.5 s of CPU), every second",
    (
        Measure("reused: imports per executor", "imports", at_most=1, is_exact=True),
        Measure("reused: CPU per run without imports", "ms", at_most=5),
        Measure("reused: CPU per run", "ms"),
        Measure("reused: executors", "processes"),
        Measure("preload: imports per executor", "imports", at_most=0, is_exact=True),
        Measure("preload: CPU per run", "ms", at_most=5),
        Measure("preload: executors", "processes"),
    ),
    run,
    backends=BACKENDS,
)
