"""Measures the console on a big database: first paint, key to screen, CPU, memory.

Usage: python scripts/measure_console.py [--functions 2000 20000] [--runs 1000000]
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the tests' terminal is not installed

from scheduler.clock import SystemClock  # noqa: E402
from scheduler.config import Config  # noqa: E402
from tests.tui.seed import Seed, make_config, make_database, writing  # noqa: E402
from tests.tui.terminal import Terminal  # noqa: E402

CLOCK = SystemClock()
Cost = tuple[float, float]  # seconds on the clock, and of CPU
KEYS = {
    "cursor down": "j",
    "page down": "\x1b[6~",
    "sort": "s",
    "last row": "G",
    "details and back": "\r",
    "recent runs, last": "2G",
}
# What is on the screen when: the header and the footer, the empty panels, the functions.
STARTS_WITH = {"first paint": "? help", "first frame": "1  Functions", "first data": "accounts."}
STARTS = 5
SECONDS = 12.0  # how long CPU is measured


def main() -> int:
    """Measure each size and print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--functions", nargs="+", type=int, default=[2000, 20000])
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="make the databases here, or use them again")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="measure-") as temporary:
        folder = arguments.folder or Path(temporary)
        configs = [_filled(folder, functions, arguments.runs) for functions in arguments.functions]
        for functions, config in zip(arguments.functions, configs, strict=True):
            print(f"{functions:,} functions, {arguments.runs:,} runs")
            measure(config)
    return 0


def _filled(folder: Path, functions: int, runs: int) -> Config:
    """Return the configuration of a database of this size."""
    place = folder / f"{functions}-{runs}"
    config = make_config(place)
    if not config.db_path.exists():
        (place / "jobs").mkdir(parents=True)
        (place / "scheduler.toml").write_text('scan_paths = ["jobs"]\n')
        make_database(config, Seed(CLOCK.now(), functions=functions, runs=runs))
        with writing(config) as connection:  # as if a service were there: nothing is late
            connection.execute("UPDATE scheduled_functions SET next_run_at = next_run_at + 9e4")
    return config


def measure(config: Config) -> None:
    """Print the figures of one database."""
    _start(config)  # compiles the modules
    starts = [_start(config) for _ in range(STARTS)]
    for what, times in zip(STARTS_WITH, zip(*starts, strict=True), strict=True):
        _say(what, _spread(times))
    with _console(config) as console:
        console.wait_for("accounts.")
        console.pause(3.0)
        for name, key in KEYS.items():
            _say(name, _spread([_press(console, key) for _ in range(9)]))
            console.type("esc", "1")
            console.pause(0.5)
        _say("CPU while nobody writes", _share(console, lambda: None))
        _say("CPU while runs are written", _share(console, lambda: _write(config)))
        _say("memory", f"{_resident(console.process.pid) / 2**20:.0f} MB")


def _start(config: Config) -> list[Cost]:
    """Return what each of STARTS_WITH costs, from the start of the command."""
    begun = CLOCK.monotonic()
    with _console(config) as console:
        return [_cost_until(console, text, begun) for text in STARTS_WITH.values()]


def _cost_until(console: Terminal, text: str, begun: float) -> Cost:
    while text not in console.text():
        console.pump(0.002)
    return CLOCK.monotonic() - begun, _cpu_seconds(console.process.pid)


def _console(config: Config) -> Terminal:
    folder = config.db_path.parent
    command = [sys.executable, "-m", "scheduler", "tui", "--config", str(folder / "scheduler.toml")]
    # Compiled modules, as an installed package has them.
    environ = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    return Terminal(command, width=120, height=36, environ=environ)


def _press(console: Terminal, key: str) -> Cost:
    """Return the time from a key to the first bytes it brings onto the screen, and all its CPU."""
    console.pause(0.25)
    before, used = len(console.raw), _cpu_seconds(console.process.pid)
    begun = CLOCK.monotonic()
    console.write(key)
    while len(console.raw) == before:
        console.read_once(1.0)
    seconds = CLOCK.monotonic() - begun
    console.pause(0.1)
    used = _cpu_seconds(console.process.pid) - used
    if key == "\r":
        console.type("esc")
    return seconds, used


def _spread(costs: Sequence[Cost]) -> str:
    """Say median and maximum of the time; and the CPU, which a busy machine changes less."""
    seconds, used = zip(*costs, strict=True)
    cpu = f"CPU {median(used) * 1000:.1f} ms"
    return f"{median(seconds) * 1000:.1f} ms, at most {max(seconds) * 1000:.1f} ms; {cpu}"


def _share(console: Terminal, work: Callable[[], None]) -> str:
    begun, used = CLOCK.monotonic(), _cpu_seconds(console.process.pid)
    while CLOCK.monotonic() - begun < SECONDS:
        work()
        console.pause(0.5)
    share = (_cpu_seconds(console.process.pid) - used) / (CLOCK.monotonic() - begun)
    return f"{share * 100:.1f} %"


def _write(config: Config) -> None:
    with writing(config) as connection:
        connection.execute("UPDATE run_logs SET finished_at = finished_at + 0.001 WHERE id < 100")
        connection.execute("UPDATE scheduled_functions SET last_started_at = 1 WHERE id % 100 = 7")


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads; /proc/PID/stat would count it in steps of 10 ms."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _say(what: str, figure: str) -> None:
    print(f"  {what:28} {figure}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
