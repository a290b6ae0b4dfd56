"""The ticker's loop: tick, do the duties that are due, sleep until the next such instant."""

from contextlib import suppress
from math import inf

from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.db import clock_steps, ticks
from scheduler.doorbell import Bell
from scheduler.errors import DatabaseUnavailableError, SchedulerError
from scheduler.logs import event
from scheduler.maintenance.checkpoints import Checkpoints
from scheduler.maintenance.duties import Duty, next_duty_at
from scheduler.maintenance.presence import Presence
from scheduler.maintenance.reaper import Reaper
from scheduler.maintenance.retention import PAUSE_SECONDS, Retention
from scheduler.maintenance.scanning import ScanThread
from scheduler.maintenance.surroundings import Surroundings
from scheduler.maintenance.sweeper import Sweeper
from scheduler.maintenance.unread import Unread
from scheduler.queue import RunQueue
from scheduler.stopping import StopSignal
from scheduler.ticker.tick import Ticker

WATCH_SECONDS = 1.0
RETENTION_SECONDS = 60.0
HELD_SECONDS = 0.02  # until it asks again for rows that others hold, on a server
UNREAD_SECONDS = 10.0  # how long slots of what was edited wait for a scan
UNREAD_LOOK_SECONDS = 0.1
LEAD_SECONDS = 0.01  # how long before a slot it wakes to decide it
UNKNOWN = ticks.Instants(due_at=-inf, unsent_at=-inf)  # then the sweeper looks for itself


class TickerService:
    """Ticks and duties of one process; everything it knows is in the database."""

    def __init__(
        self,
        config: Config,
        *,
        queue: RunQueue,
        presence: Presence,
        surroundings: Surroundings,
        scans: ScanThread,
        unread: Unread,
        bell: Bell,
        checkpoints: Checkpoints,
        clock: Clock,
    ) -> None:
        self._config = config
        self._presence = presence
        self._surroundings = surroundings
        self._bell = bell
        self._checkpoints = checkpoints
        self._clock = clock
        self._scans = scans
        self._unread = unread
        self._ticker = Ticker(queue, unread, clock)
        self._sweeper = Sweeper(queue)
        self._clock_offset = float("inf")
        self._has_failed = False
        self._instants = UNKNOWN
        self._looked_at = -inf  # the last time without any success
        self._waits_for_slot = False  # that is decided already: no reason to ask anew what is due
        self._unread_until = -inf
        self._ticked_at = clock.monotonic()
        self._duty_at = 0.0  # of the monotonic clock; a hundred ticks a second need not ask each
        reaper = Reaper(config, queue=queue, clock=clock)
        self._reaping = Duty("reap", reaper.look_seconds, reaper.step)
        self._retention = Retention(config, clock)
        self._retaining = Duty("retention", RETENTION_SECONDS, self._retain)
        self._duties = [
            Duty("heartbeat", config.heartbeat_seconds, self._beat),
            Duty("files", WATCH_SECONDS, self._check_surroundings),
            Duty("scan", config.scan_interval_seconds, scans.step),
            self._reaping,
            Duty("sweep", WATCH_SECONDS, self._sweeper.sweep),
            self._retaining,
        ]

    def run(self, stop: StopSignal) -> None:
        """Tick until told to stop.

        First of all the runs of the dead get their verdict: a run that died with the machine must
        not hold back the slot that makes up for the downtime. And functions that were edited
        meanwhile wait until the first scan has read them, but not for one that takes long.
        """
        self._unread_until = self._clock.monotonic() + UNREAD_SECONDS
        try:
            self._unread.look()
        except DatabaseUnavailableError as error:
            self._fail(error)
        self._reaping.run_if_due(self._clock.now(), self._clock.monotonic())
        self._reaping.next_at = 0.0  # once more with the other duties, to stay in step with them
        while not stop.wait(self._seconds_to_sleep(), also=self._bell.fds()):
            if self._bell.drain():
                self._instants = UNKNOWN
            self.step(self._clock.now())
        if not self._has_failed:  # a queue that hangs would hold up the stop once more
            with suppress(SchedulerError):  # the sweeper of another ticker sends them, or the next
                self._ticker.send_rest()

    def step(self, now: float) -> None:
        """Do everything that is due at `now`; what fails is told and tried again."""
        self._release_unread()
        try:
            self._notice_clock_change(now)
            self._ticker.send_due(now)
            if self._look_at() > now and not self._waits_for_slot:
                # Not everybody rings; and before any duty, this tells of a silent database soonest.
                self._instants = ticks.next_instants()
            if self._look_at() <= now:
                self._look(now)
            self._ticked_at = self._clock.monotonic()
            self._has_failed = False
        except SchedulerError as error:
            self._fail(error)
        monotonic = self._clock.monotonic()
        if monotonic >= self._duty_at:
            for duty in self._duties:
                duty.run_if_due(now, monotonic)
            self._instants = UNKNOWN  # such as a retry of a run that was reaped
            self._duty_at = next_duty_at(self._duties)

    def add_duty(self, duty: Duty) -> None:
        """Do this as well, at its own pace, and before the others; to be called before `run`."""
        self._duties.insert(0, duty)

    def tick_age_seconds(self) -> float:
        """Return how long ago all that was due had been decided; other threads may ask."""
        return self._clock.monotonic() - self._ticked_at

    def _release_unread(self) -> None:
        if self._unread.ids and (
            self._scans.has_scanned or self._clock.monotonic() >= self._unread_until
        ):
            self._unread.release_all()

    def _look(self, now: float) -> None:
        """Do what is due, or may be where that is not known."""
        instants, self._instants = self._instants, UNKNOWN
        ticked = self._ticker.tick(now)
        self._checkpoints.expect(ticked.runs)
        sent = self._sweeper.send_available(now) if instants.unsent_at <= now else 0
        self._looked_at = -inf if ticked.functions or sent else now

    def _fail(self, error: SchedulerError) -> None:
        event("tick.failed", "error", error=str(error))
        self._instants, self._has_failed = UNKNOWN, True

    def _look_at(self) -> float:
        """Return when the database is to be asked again: a little before the next slot.

        What could not be decided ahead is decided when it is due.
        """
        due_at = self._instants.due_at
        if due_at not in self._ticker.seen:
            due_at -= LEAD_SECONDS
        return min(due_at, self._instants.unsent_at)

    def _seconds_to_sleep(self) -> float:
        now = self._clock.now()
        seconds = min(
            self._config.runner_poll_seconds,
            self._duty_at - self._clock.monotonic(),
        )
        # What it could not decide, after a failure, stays due: no reason to spin.
        if self._instants is UNKNOWN and not self._has_failed:
            try:
                self._instants = ticks.next_instants()
            except DatabaseUnavailableError as error:
                self._fail(error)
        if self._instants is not UNKNOWN:
            seconds = min(seconds, self._look_at() - now)
            # What was due at a look in vain and still is: somebody holds its row.
            if min(self._instants.due_at, self._instants.unsent_at) <= self._looked_at:
                seconds = max(seconds, UNREAD_LOOK_SECONDS if self._unread.ids else HELD_SECONDS)
        until_slot = self._ticker.next_send_at - now
        self._waits_for_slot = until_slot <= seconds
        return max(min(seconds, until_slot), 0.0)

    def _beat(self, _now: float) -> None:
        if not self._presence.beat():
            event("ticker.declared_dead", "warning", ticker=self._presence.name)

    def _check_surroundings(self, _now: float) -> None:
        self._surroundings.check()
        self._bell.reopen_if_replaced()

    def _retain(self, now: float) -> None:
        if self._retention.step(now) is not None:
            self._retaining.next_at = self._clock.monotonic() + PAUSE_SECONDS

    def _notice_clock_change(self, now: float) -> None:
        """After the wall clock was set back, and at the start, bring far slots into reach."""
        offset = now - self._clock.monotonic()
        if offset < self._clock_offset - clock_steps.CLOCK_STEP_SECONDS:
            for name in clock_steps.return_into_reach(now):
                event("clock.set_back", "warning", function=name)
            self._ticker.send_due(inf)  # what was decided by the clock of before
            self._instants = UNKNOWN
        self._clock_offset = offset
