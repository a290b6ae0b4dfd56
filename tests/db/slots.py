"""The slots of a worker over a test's database, with executors that a test makes up."""

from typing import Any

from scheduler.clock import SystemClock
from scheduler.config import Config
from scheduler.executor.lease import Lease
from scheduler.maintenance.bells import ticker_bell
from scheduler.queue import RunQueue
from scheduler.stopping import StopSignal
from scheduler.testing import SettableClock
from scheduler.worker.lookout import Lookout
from scheduler.worker.slot import Slots
from tests.db.rows import NOW, WORKER


def make_slots(database: Config, queue: RunQueue, pool: Any, lookout: Any = None) -> Slots:
    """Return slots that work as WORKER, at NOW + 1 s; none is idle without a `lookout`."""
    stop = StopSignal()
    slots = Slots(
        database,
        pool=pool,
        queue=queue,
        lookout=lookout or Lookout(queue, stop, Lease(None, SystemClock())),
        ticker_bell=ticker_bell(database),
        stop=stop,
        clock=SettableClock(NOW + 1),
    )
    slots.work_as(WORKER)
    return slots
