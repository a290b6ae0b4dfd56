"""`scheduler ticker`: finds due slots and enqueues their runs; never imports user code."""

import gc

from scheduler.clock import Clock, SystemClock
from scheduler.config import Config
from scheduler.db.connection import close_database
from scheduler.db.schema import init_schema, installation_id
from scheduler.doorbell import Bell
from scheduler.errors import EXIT_FAILED, EXIT_OK
from scheduler.logs import configure_logging, event
from scheduler.maintenance.bells import ticker_bell
from scheduler.maintenance.checkpoints import open_checkpoints
from scheduler.maintenance.complaints import Complaints
from scheduler.maintenance.conditions import list_processes
from scheduler.maintenance.duties import Duty
from scheduler.maintenance.presence import Presence
from scheduler.maintenance.scanning import Scanning, ScanThread
from scheduler.maintenance.stalls import Stalls
from scheduler.maintenance.surroundings import Surroundings
from scheduler.maintenance.unread import Unread
from scheduler.metrics import make_server, require_client
from scheduler.queue import open_queue
from scheduler.stopping import StopSignal
from scheduler.ticker.service import WATCH_SECONDS, TickerService

METRICS_SECONDS = 10.0  # until a port that was taken is tried again

__all__ = ["TickerService", "run_ticker"]


def run_ticker(config: Config, stop: StopSignal) -> int:
    """Tick until told to stop; returns an exit code."""
    configure_logging(config)
    if config.metrics_port:
        require_client("metrics_port")
    clock = SystemClock()
    init_schema(config)
    queue = open_queue(config, installation_id())
    bell = ticker_bell(config)
    presence = Presence(config, "ticker", clock=clock)
    presence.start()
    surroundings = Surroundings(config, queue=queue, stop=stop, can_migrate=True)
    checkpoints, unread = open_checkpoints(config, clock), Unread()
    service = TickerService(
        config,
        queue=queue,
        presence=presence,
        surroundings=surroundings,
        scans=_make_scans(config, presence, bell, unread, clock=clock),
        unread=unread,
        bell=bell,
        checkpoints=checkpoints,
        clock=clock,
    )
    event("ticker.started", ticker=presence.name)
    _tell_of_others(config, presence.id, now=clock.now())
    if config.database_url:
        service.add_duty(Duty("sessions", WATCH_SECONDS, Stalls().step))
    metrics = make_server(config, clock=clock, tick_age_seconds=service.tick_age_seconds)
    if metrics is not None:
        service.add_duty(Duty("metrics", METRICS_SECONDS, metrics.step))
    checkpoints.start()
    gc.collect()
    gc.freeze()  # a collection in a tick looks through what is new, not through all modules
    service.run(stop)
    if metrics is not None:
        metrics.stop()
    checkpoints.stop()
    presence.stop()
    close_database()
    event("ticker.stopped", ticker=presence.name)
    return EXIT_FAILED if surroundings.has_given_up else EXIT_OK


def _make_scans(
    config: Config, presence: Presence, bell: Bell, unread: Unread, *, clock: Clock
) -> ScanThread:
    scanning = Scanning(
        config,
        process_id=lambda: presence.id,
        clock=clock,
        on_change=bell.ring,
        on_errors=Complaints().tell,
        on_read=unread.release,
    )
    return ScanThread(scanning)


def _tell_of_others(config: Config, ticker_id: str, *, now: float) -> None:
    others = [
        process
        for process in list_processes(config, now)
        if process.role == "ticker" and process.id != ticker_id and process.is_alive
    ]
    if others:
        hosts = len({process.host for process in others})
        event("ticker.shares", tickers=len(others) + 1, hosts=hosts)
