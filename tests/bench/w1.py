"""W1: functions every second, all on the same instant or spread over it."""

import time

from tests.bench.functions import EACH_SLOT, IMPORT_NOTE, NOTE, Functions
from tests.bench.grid import Window, lateness_measures, our_numbers, peer_numbers
from tests.bench.peer import peer_on_stage
from tests.bench.stage import on_stage, start_ticker, start_worker
from tests.bench.workload import BACKENDS, Numbers, Setting, Workload

SETTLE_SECONDS = 2.0
PARTS = {"a) ": 0.0, "b) ": 0.01}  # the step from one function to the next


def every_second(setting: Setting, journal: str, step_seconds: float) -> Functions:
    """Return 100 functions that run every second and note their time; the grid began before now."""
    return Functions(
        files=10,
        per_file=setting.choose(10, 2),
        interval_seconds=1.0,
        first_at=float(int(time.time()) - 10),
        step_seconds=step_seconds,
        body=NOTE.format(journal=journal),
        imports=IMPORT_NOTE,
        options=EACH_SLOT,
    )


def run(setting: Setting) -> Numbers:
    """Measure both parts with our service."""
    numbers: Numbers = {}
    for part, step_seconds in PARTS.items():
        with on_stage(setting) as service:
            functions = every_second(setting, str(service.folder / "journal"), step_seconds)
            functions.write(service)
            start_ticker(service)
            start_worker(service)
            numbers |= our_numbers(service, functions, _window(setting), part)
    return numbers


def run_peer(setting: Setting) -> Numbers:
    """Measure both parts with the peer."""
    numbers: Numbers = {}
    for part, step_seconds in PARTS.items():
        with peer_on_stage(notes=True) as peer:
            functions = every_second(setting, "", step_seconds)
            peer.start_consumer()
            peer.start_ticker(functions)
            numbers |= peer_numbers(peer, functions, _window(setting), part)
    return numbers


def _window(setting: Setting) -> Window:
    return Window.after(setting.choose(SETTLE_SECONDS, 0.5), setting.choose(60.0, 2.0))


WORKLOAD = Workload(
    "W1",
    "100 functions every second for 60 s: a) on the same instant, b) spread",
    (
        *lateness_measures("a) ", p50_ms=12, p99_ms=30, times_peer=15),
        *lateness_measures("b) ", p50_ms=2, p99_ms=6, times_peer=30),
    ),
    run,
    run_peer,
    BACKENDS,
)
