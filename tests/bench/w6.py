"""W6: scanning many files: all of them, none changed, one changed."""

import time

from tests.bench.bursts import DAY_SECONDS
from tests.bench.functions import Functions
from tests.bench.measuring import Tree
from tests.bench.stage import on_stage, start_ticker
from tests.bench.workload import Measure, Numbers, Setting, Workload
from tests.process.service import Service, wait_for

PER_FILE = 3
NEWEST_SCAN = "SELECT MAX(id) FROM scans"
MARK = "edited"


def run(setting: Setting) -> Numbers:
    """Measure the command on a new database, then the ticker's scans."""
    # Longer than a whole scan, so that the ticker also rests between two that import everything.
    interval_seconds = setting.choose(10.0, 1.0)
    with on_stage(setting, scan_interval_seconds=interval_seconds) as service:
        functions = _functions(setting)
        functions.write(service)
        began = time.perf_counter()
        done = service.run("scan")
        taken = time.perf_counter() - began
        assert done.returncode == 0, done.stderr
        ticker = start_ticker(service)
        return {
            "scan of all files": taken,
            "nothing changed": _unchanged(service, Tree(ticker.pid)),
            **_changed(service, functions),
        }


def _functions(setting: Setting, body: str = "pass") -> Functions:
    return Functions(
        files=setting.choose(1_000, 30),
        per_file=PER_FILE,
        interval_seconds=DAY_SECONDS,
        first_at=time.time() + DAY_SECONDS,
        body=body,
    )


def _unchanged(service: Service, tree: Tree) -> float:
    """Return the CPU seconds of one more scan, the ticker's idling between two included."""
    before = tree.cpu_seconds()
    _wait_scan(service)
    return tree.cpu_seconds() - before


def _changed(service: Service, functions: Functions) -> Numbers:
    """Edit the last file; return when it was live and its scan over, from that scan's start."""
    last = max(service.functions.glob("*.py"))
    newest = _wait_scan(service)
    service.write(last.name, f"@schedule(timedelta(days=1))\ndef {MARK}():\n    pass\n")
    wait_for(
        lambda: service.rows("SELECT 1 FROM scheduled_functions WHERE qualname = ?", MARK),
        "the edited file to be live",
    )
    live_at = time.time()
    ((began_at, ended_at),) = service.wait_rows(
        "SELECT started_at, finished_at FROM scans WHERE id > ? ORDER BY id LIMIT 1", newest
    )
    ((present,),) = service.rows("SELECT COUNT(*) FROM scheduled_functions WHERE state = 'active'")
    return {
        "changed file live after": live_at - began_at,
        "scan after a change": ended_at - began_at,
        "lost functions": functions.count - PER_FILE + 1 - present,
    }


def _wait_scan(service: Service) -> int:
    """Wait until one more scan is over and the next an interval away; return its id."""
    ((newest,),) = service.rows(NEWEST_SCAN)
    wait_for(lambda: service.rows(NEWEST_SCAN)[0][0] > newest, "another scan")
    return int(service.rows(NEWEST_SCAN)[0][0])


WORKLOAD = Workload(
    "W6",
    "scan of 1,000 files with 3 functions each",
    (
        Measure("scan of all files", "s", at_most=6),
        Measure("nothing changed", "s CPU", at_most=0.15),
        Measure("changed file live after", "s", at_most=1),
        Measure("scan after a change", "s", at_most=6),
        Measure("lost functions", "functions", at_most=0, is_exact=True),
    ),
    run,
)
