"""W5: ten thousand functions due in the same second."""

import math
import time

from tests.bench.bursts import DAY_SECONDS, LEAD_SECONDS, move_slots, wait_rows
from tests.bench.functions import Functions
from tests.bench.measuring import milliseconds
from tests.bench.peer import peer_on_stage
from tests.bench.stage import on_stage, start_ticker, start_worker, wait_drained
from tests.bench.workload import BACKENDS, Measure, Numbers, Setting, Workload

PER_FILE = 100


def run(setting: Setting) -> Numbers:
    """Measure from the due instant, with ticker and worker waiting for it."""
    with on_stage(setting) as service:
        functions = _functions(setting, time.time() + DAY_SECONDS)
        functions.write(service)
        start_ticker(service)
        start_worker(service)
        instant = move_slots(service)
        enqueued_at = wait_rows(service, functions.count)
        wait_drained(service)
        ((first_at, last_at, slots, runs),) = service.rows(
            "SELECT MIN(started_at), MAX(finished_at), COUNT(DISTINCT function_id), COUNT(*) "
            "FROM run_logs WHERE status = 'success'"
        )
    return _numbers(instant, enqueued_at, first_at, last_at) | {
        "missed": functions.count - slots,
        "double": runs - slots,
    }


def run_peer(setting: Setting) -> Numbers:
    """Measure from the due instant, with the consumer waiting for it."""
    with peer_on_stage() as peer:
        peer.start_consumer()
        functions = _functions(setting, math.ceil(time.time() + LEAD_SECONDS))
        peer.start_ticker(functions)
        _, _, enqueued_at = peer.wait_burst()
        peer.wait_finished(functions.count)
        ((first_at, last_at),) = peer.rows("SELECT MIN(started_at), MAX(finished_at) FROM history")
    return _numbers(functions.first_at, enqueued_at, first_at, last_at)


def _functions(setting: Setting, first_at: float) -> Functions:
    return Functions(
        files=setting.choose(100, 10),
        per_file=PER_FILE,
        interval_seconds=DAY_SECONDS,
        first_at=first_at,
    )


def _numbers(instant: float, enqueued_at: float, first_at: float, last_at: float) -> Numbers:
    return {
        "first one started": milliseconds(first_at - instant),
        "last one enqueued": enqueued_at - instant,
        "last one executed": last_at - instant,
    }


WORKLOAD = Workload(
    "W5",
    "10,000 functions due in the same second",
    (
        Measure("first one started", "ms", at_most=30),
        Measure("last one enqueued", "s", at_most=0.4),
        Measure("last one executed", "s", at_most=2.5, times_peer=1.5),
        Measure("missed", "slots", at_most=0, is_exact=True),
        Measure("double", "runs", at_most=0, is_exact=True),
    ),
    run,
    run_peer,
    BACKENDS,
)
