"""`scheduler worker`: a Huey consumer whose slots hand runs to executor processes."""

import gc

from scheduler.clock import Clock, SleepCountingClock, SystemClock
from scheduler.config import Config
from scheduler.db.batches import settle
from scheduler.db.claims import hand_back
from scheduler.db.connection import close_database
from scheduler.db.finishes import CUT_OFF, reap
from scheduler.db.schema import installation_id, wait_for_schema
from scheduler.errors import EXIT_FAILED, EXIT_OK, QueueUnavailableError
from scheduler.executor.guards import become_subreaper
from scheduler.executor.lease import Lease
from scheduler.executor.pool import ExecutorPool
from scheduler.logs import configure_logging, event
from scheduler.maintenance.bells import ticker_bell
from scheduler.maintenance.presence import Presence
from scheduler.maintenance.surroundings import Surroundings
from scheduler.queue import RunQueue, open_queue
from scheduler.stopping import TERMINATE_GRACE_SECONDS, StopSignal
from scheduler.worker.cells import CELLS_PER_SLOT
from scheduler.worker.consumer import RunConsumer
from scheduler.worker.drain import Drain
from scheduler.worker.lookout import Lookout
from scheduler.worker.pulse import Pulse
from scheduler.worker.slot import Slots

LEASE_SHARE = 0.6


def run_worker(config: Config, concurrency: int, stop: StopSignal) -> int:
    """Execute queued runs until told to stop; returns an exit code."""
    configure_logging(config)
    become_subreaper()
    clock = SystemClock()
    if not wait_for_schema(config, stop.wait):
        return EXIT_OK
    pool = ExecutorPool(
        max_runs_per_process=config.max_runs_per_process,
        max_rss_bytes=config.max_rss_mb * 1024 * 1024,
        preload=config.preload,
        lease=make_lease(config),
        terminate_grace_seconds=TERMINATE_GRACE_SECONDS,
        clock=clock,
    )
    try:
        surroundings = _work(config, concurrency, pool, stop, clock)
    finally:
        pool.close()
        close_database()
    return EXIT_FAILED if surroundings.has_given_up else EXIT_OK


def make_lease(config: Config) -> Lease:
    """Return a worker's lease.

    While this machine sleeps others may be awake, who share a server's database but not a file, and
    may declare the worker dead: there it runs out meanwhile.
    """
    clock = SleepCountingClock() if config.database_url else SystemClock()
    return Lease(LEASE_SHARE * config.dead_after_seconds, clock)


def _work(
    config: Config, concurrency: int, pool: ExecutorPool, stop: StopSignal, clock: Clock
) -> Surroundings:
    queue = open_queue(config, installation_id())
    surroundings = Surroundings(config, queue=queue, stop=stop, can_migrate=False)
    pool.start()
    cells = concurrency * CELLS_PER_SLOT
    presence = Presence(config, "worker", clock=clock, slots=concurrency, cells=cells)
    presence.start()
    lookout = Lookout(queue, stop, pool.lease)
    slots = Slots(
        config,
        pool=pool,
        queue=queue,
        lookout=lookout,
        ticker_bell=ticker_bell(config),
        stop=stop,
        clock=clock,
    )
    slots.work_as(presence.id)
    pool.tally = presence.tally
    queue.execute_with(slots.execute)
    pulse = Pulse(
        config,
        presence=presence,
        surroundings=surroundings,
        pool=pool,
        slots=slots,
        queue=queue,
        clock=clock,
    )
    consumer = RunConsumer(
        queue,
        slots=concurrency,
        lookout=lookout,
        help_out=slots.help_out,
        stop=stop,
        pulse=pulse,
    )
    drain = Drain(consumer=consumer, slots=slots, pulse=pulse, stop=stop, clock=clock)
    gc.collect()
    gc.freeze()  # what lives as long as the worker need not be looked through while runs wait
    event("worker.started", slots=concurrency, worker=presence.name)
    consumer.run()
    presence.drain()
    slots.hand_back(unless_fresh=True)  # and again in each pulse, without waiting for a queue
    drain.run(config.shutdown_grace_seconds)
    pool.close()  # user code is dead before its run gets a verdict that it did not write itself
    _settle_rest(presence, queue, clock)
    presence.stop()
    event("worker.stopped", worker=presence.name)
    return surroundings


def _settle_rest(presence: Presence, queue: RunQueue, clock: Clock) -> None:
    """Give what was running its verdict, and what was not started back to the queue."""
    reason = f"{CUT_OFF}: it outlasted the stop of its worker"
    settled = settle(presence.tallied(), presence.id, clock.now())
    lost = reap(presence.id, reason=reason, now=clock.now())
    unstarted = hand_back(None, presence.id, clock.now())
    released = [message for finished in lost for message in finished.messages]
    try:
        queue.send_now(settled + unstarted + released)
    except QueueUnavailableError as error:  # the sweeper sends them
        event("queue.unwritable", "error", error=str(error))
