"""W3: the same hundred due slots a second out of more and more functions."""

import subprocess
import time

from tests.bench.functions import EACH_SLOT, IMPORT_NOTE, NOTE, Functions
from tests.bench.grid import Window, lateness_measures, our_numbers, peer_numbers
from tests.bench.measuring import cpu_seconds, peak_rss_mb, rss_mb
from tests.bench.peer import peer_on_stage
from tests.bench.stage import on_stage, start_ticker, start_ticker_early, start_worker
from tests.bench.workload import BACKENDS, Measure, Numbers, Setting, Workload
from tests.process.service import stop, wait_for

SLOTS_PER_SECOND = 100
SETTLE_SECONDS = 2.0
SIZES = {"1k: ": 1_000, "10k: ": 10_000, "100k: ": 100_000}


def run(setting: Setting) -> Numbers:
    """Measure a window with each number of functions, then a second start of the ticker."""
    numbers: Numbers = {}
    for part, count in _sizes(setting).items():
        numbers |= _run(setting, part, count)
    smallest, largest = numbers["1k: ticker CPU"], numbers.get("100k: ticker CPU")
    return numbers if largest is None else numbers | {"ticker CPU 100k / 1k": largest / smallest}


def run_peer(setting: Setting) -> Numbers:
    """Measure a window with each number of functions."""
    numbers: Numbers = {}
    for part, count in _sizes(setting).items():
        with peer_on_stage(notes=True) as peer:
            functions = _functions(setting, count, "")
            peer.start_consumer()
            ticker = peer.start_ticker(functions)
            window = _window(setting)
            cpu = _TickerCpu(ticker)
            numbers |= peer_numbers(peer, functions, window, part)
            numbers |= {
                f"{part}ticker CPU": cpu.per_minute(),
                f"{part}ticker RSS": rss_mb(ticker.pid),
            }
    return numbers


class _TickerCpu:
    """The CPU seconds of a ticker, scans included, from now on."""

    def __init__(self, ticker: subprocess.Popen[bytes]) -> None:
        self._pid = ticker.pid
        self._began_at = time.monotonic()
        self._before = cpu_seconds(self._pid)

    def per_minute(self) -> float:
        elapsed = time.monotonic() - self._began_at
        return (cpu_seconds(self._pid) - self._before) / elapsed * 60


def _run(setting: Setting, part: str, count: int) -> Numbers:
    with on_stage(setting) as service:
        functions = _functions(setting, count, str(service.folder / "journal"))
        functions.write(service)
        ticker = start_ticker(service)
        start_worker(service)
        window = _window(setting)
        cpu = _TickerCpu(ticker)
        numbers = our_numbers(service, functions, window, part)
        numbers |= {
            f"{part}ticker CPU": cpu.per_minute(),
            f"{part}ticker RSS": rss_mb(ticker.pid),
            f"{part}ticker RSS at most": peak_rss_mb(ticker.pid),
        }
        stop(ticker)
        again_at = time.time()
        start_ticker_early(service)
        first_at = wait_for(
            lambda: service.rows(
                "SELECT MIN(started_at) FROM run_logs WHERE queued_at > ?", again_at
            )[0][0],
            "a run after the second start",
        )
        return numbers | {f"{part}first fire after start": float(first_at) - again_at}


def _sizes(setting: Setting) -> dict[str, int]:
    return setting.choose(SIZES, {"1k: ": 200})


def _window(setting: Setting) -> Window:
    return Window.after(setting.choose(SETTLE_SECONDS, 0.5), setting.choose(60.0, 2.0))


def _functions(setting: Setting, count: int, journal: str) -> Functions:
    """Return functions whose next slots follow one another, file after file."""
    files = setting.choose(100, 10)
    return Functions(
        files=files,
        per_file=count // files,
        interval_seconds=count / SLOTS_PER_SECOND,
        first_at=float(int(time.time()) - count // SLOTS_PER_SECOND),
        step_seconds=1 / SLOTS_PER_SECOND,
        body=NOTE.format(journal=journal),
        imports=IMPORT_NOTE,
        options=EACH_SLOT,
    )


def _measures(part: str) -> tuple[Measure, ...]:
    return (
        *lateness_measures(part, p50_ms=None, p99_ms=10, times_peer=None),
        Measure(f"{part}ticker CPU", "s/min", at_most=4),
        Measure(f"{part}ticker RSS", "MB", at_most=80),
        Measure(f"{part}ticker RSS at most", "MB"),
        Measure(f"{part}first fire after start", "s", at_most=1),
    )


WORKLOAD = Workload(
    "W3",
    "1k, 10k, 100k functions in 100 files, 100 due per second, spread",
    (
        *(measure for part in SIZES for measure in _measures(part)),
        Measure("ticker CPU 100k / 1k", "x", at_most=1.5),
    ),
    run,
    run_peer,
    BACKENDS,
)
