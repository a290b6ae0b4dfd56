"""W4: what a service costs that has nothing to do."""

import time

from tests.bench.bursts import DAY_SECONDS
from tests.bench.functions import Functions
from tests.bench.measuring import Tree
from tests.bench.peer import peer_on_stage
from tests.bench.stage import on_stage, start_ticker, start_worker
from tests.bench.workload import BACKENDS, Measure, Numbers, Setting, Workload

SETTLE_SECONDS = 3.0


def run(setting: Setting) -> Numbers:
    """Measure ticker, worker and all below them while no function is due."""
    with on_stage(setting) as service:
        _functions().write(service)
        ticker, worker = start_ticker(service), start_worker(service)
        return _idle(setting, Tree(ticker.pid, worker.pid)) | {
            "PSS of the ticker": Tree(ticker.pid).pss_mb(),
            "PSS of the worker": Tree(worker.pid).pss_mb(),
        }


def run_peer(setting: Setting) -> Numbers:
    """Measure the peer's ticker and consumer while no function is due."""
    with peer_on_stage() as peer:
        consumer, ticker = peer.start_consumer(), peer.start_ticker(_functions())
        return _idle(setting, Tree(ticker.pid, consumer.pid)) | {
            "PSS of the ticker": Tree(ticker.pid).pss_mb(),
            "PSS of the worker": Tree(consumer.pid).pss_mb(),
        }


def _functions() -> Functions:
    return Functions(
        files=10,
        per_file=10,
        interval_seconds=DAY_SECONDS,
        first_at=time.time() + DAY_SECONDS,
    )


def _idle(setting: Setting, tree: Tree) -> Numbers:
    time.sleep(setting.choose(SETTLE_SECONDS, 0.5))
    began, before = time.monotonic(), tree.cpu_seconds()
    time.sleep(setting.choose(60.0, 2.0))
    used = tree.cpu_seconds() - before
    return {
        "CPU in all": used / (time.monotonic() - began) * 60,
        "PSS in all": tree.pss_mb(),
    }


WORKLOAD = Workload(
    "W4",
    "100 functions, none due, ticker + worker with 2 slots, 60 s",
    (
        Measure("CPU in all", "s/min", at_most=0.1),
        Measure("PSS in all", "MB", at_most=80),
        Measure("PSS of the ticker", "MB"),
        Measure("PSS of the worker", "MB"),
    ),
    run,
    run_peer,
    BACKENDS,
)
