"""The thread that reads the database for the console: short reads, one snapshot at a time."""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Protocol

from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.db.console import ConsoleDatabase
from scheduler.db.console_connection import ConsoleError
from scheduler.db.console_rows import FunctionDetails, Mark, Overview, RunDetails, RunPage
from scheduler.db.console_stats import FunctionStats
from scheduler.tui.snapshot import EMPTY, Interest, Snapshot, Trouble, Window

BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)
STATS_SECONDS = 5.0  # percentiles over 2,000 runs need not be newer
OVERVIEW_MAX_AGE_SECONDS = 30.0  # the 24-hour figures move on though nobody writes


class Reader(Protocol):
    """What the poller needs of `ConsoleDatabase`; every method may raise ConsoleError."""

    def close(self) -> None: ...
    def has_changed(self) -> bool: ...
    def overview(self, now: float, *, is_quick: bool) -> Overview: ...
    def recount(self, overview: Overview, now: float) -> Overview: ...
    def histories(self, function_ids: Iterable[int]) -> dict[int, tuple[Mark, ...]]: ...
    def details(self, function_ids: Iterable[int]) -> dict[int, FunctionDetails]: ...
    def run_page(
        self,
        *,
        function_id: int | None,
        around_id: int | None,
        is_oldest: bool,
        is_failing: bool,
    ) -> RunPage: ...
    def run(self, run_id: int) -> RunDetails | None: ...
    def stats(self, function_id: int, now: float) -> FunctionStats: ...


class Lookout:
    """Turns interests into snapshots, reading again only what may have changed."""

    def __init__(self, reader: Reader, clock: Clock, *, disk_free: Callable[[], float | None]):
        self._reader = reader
        self._clock = clock
        self._disk_free = disk_free
        self._last = EMPTY
        self._is_dirty = True
        self._stats_at = 0.0

    def look(self, interest: Interest, *, is_due: bool) -> Snapshot:
        """Return a new snapshot; not due: only what the interest adds to the last one.

        Raises ConsoleError; the next look then reads everything again.
        """
        now = self._clock.now()
        try:
            self._is_dirty |= self._reader.has_changed()
            is_first = self._last is EMPTY
            is_fresh = is_first or (is_due and self._is_dirty)
            overview = self._overview(now, is_fresh=is_fresh, is_due=is_due)
            checked_at = now if is_due or is_first else self._last.checked_at
            self._last = self._read(interest, now, overview, checked_at, is_fresh=is_fresh)
        except ConsoleError:
            self._last, self._is_dirty = EMPTY, True
            raise
        return self._last

    def _overview(self, now: float, *, is_fresh: bool, is_due: bool) -> Overview:
        """Return all of it anew, the last with what only the time changes, or the last."""
        last = self._last.overview
        if is_fresh:
            return self._reader.overview(now, is_quick=self._last is EMPTY)
        is_aged = not 0 <= now - last.taken_at < OVERVIEW_MAX_AGE_SECONDS
        return self._reader.recount(last, now) if is_due and (is_aged or not last.counts) else last

    def _read(
        self,
        interest: Interest,
        now: float,
        overview: Overview,
        checked_at: float | None,
        *,
        is_fresh: bool,
    ) -> Snapshot:
        last, reader = self._last, self._reader
        old = last.interest if not is_fresh else Interest()
        marks, details = ({}, {}) if is_fresh else (last.marks, last.details)
        missing = [key for key in interest.visible if key not in marks]
        snapshot = Snapshot(
            overview=overview,
            read_at=now,
            checked_at=checked_at,
            interest=interest,
            marks={**marks, **reader.histories(missing)},
            details={**details, **reader.details(missing)},
            recent=last.recent
            if interest.recent == old.recent
            else self._page(interest.recent, last.recent),
            function_runs=last.function_runs
            if interest.function_runs == old.function_runs
            else self._page(interest.function_runs, last.function_runs),
            stats=self._stats(interest, last, now),
            run=self._run(interest, old),
            disk_free=last.disk_free if overview is last.overview else self._disk_free(),
        )
        self._is_dirty = self._is_dirty and not is_fresh
        return snapshot

    def _page(self, window: Window | None, last: RunPage) -> RunPage:
        if window is None:
            return last
        return self._reader.run_page(
            function_id=window.function_id,
            around_id=window.around_id,
            is_oldest=window.is_oldest,
            is_failing=window.is_failing,
        )

    def _stats(self, interest: Interest, last: Snapshot, now: float) -> FunctionStats | None:
        if interest.function_id is None:
            return None
        is_same = interest.function_id == last.interest.function_id
        if is_same and last.stats and 0 <= now - self._stats_at < STATS_SECONDS:
            return last.stats
        self._stats_at = now
        return self._reader.stats(interest.function_id, now)

    def _run(self, interest: Interest, old: Interest) -> RunDetails | None:
        if interest.run_id is None:
            return None
        return (
            self._last.run if interest.run_id == old.run_id else self._reader.run(interest.run_id)
        )


class Poller:
    """Looks every so often, at once when asked, and with back-off while it cannot.

    Who asks again and again, as keys held down do, puts off no look that is due.
    `post` is called on the poller's thread with a Snapshot or a Trouble.
    """

    def __init__(
        self,
        lookout: Lookout,
        close: Callable[[], None],
        post: Callable[[Snapshot | Trouble], None],
        *,
        interval_seconds: float,
        clock: Clock,
    ) -> None:
        self._lookout = lookout
        self._close = close
        self._post = post
        self._interval_seconds = interval_seconds
        self._clock = clock
        self._interest = Interest()
        self._wake = threading.Event()
        self._is_due = True
        self._is_stopping = False
        self._thread = threading.Thread(target=self._loop, name="console-poller", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; it is not waited for long, a read on a dead network may hang."""
        self._is_stopping = True
        self._wake.set()
        self._thread.join(1.0)

    def want(self, interest: Interest) -> None:
        """Say what is on the screen now; what is new is read at once."""
        if interest != self._interest:
            self._interest = interest
            self._wake.set()

    def pace(self, interval_seconds: float) -> None:
        """Look this often from now on, and once at once."""
        self._interval_seconds = interval_seconds
        self.refresh()

    def refresh(self) -> None:
        """Look at once."""
        self._is_due = True
        self._wake.set()

    def _loop(self) -> None:
        failures, due_at = 0, self._clock.monotonic()
        try:
            while not self._is_stopping:
                self._wake.clear()
                is_due, self._is_due = self._is_due or self._clock.monotonic() >= due_at, False
                report = self._look(is_due=is_due)
                failures = failures + 1 if isinstance(report, Trouble) else 0
                self._post(report)
                if is_due or failures:
                    due_at = self._clock.monotonic() + self._pause(report, failures)
                if not self._wake.wait(due_at - self._clock.monotonic()):
                    self._is_due = True
        finally:
            self._close()

    def _look(self, *, is_due: bool) -> Snapshot | Trouble:
        try:
            return self._lookout.look(self._interest, is_due=is_due)
        except ConsoleError as error:
            return Trouble(error.kind, str(error))
        except Exception as error:  # noqa: BLE001 - the thread must not end in silence
            return Trouble("unreadable", f"{type(error).__name__}: {error}")

    def _pause(self, report: Snapshot | Trouble, failures: int) -> float:
        """Return how long to wait: not at all after the first, quick look."""
        if isinstance(report, Trouble):
            return self._backoff(failures)
        return self._interval_seconds if report.overview.counts else 0.0

    @staticmethod
    def _backoff(failures: int) -> float:
        return BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS)) - 1]


def free_share(config: Config) -> float | None:
    """Return which share of the database's disk is free, None when it is not ours to know."""
    if config.database_url:
        return None
    try:
        disk = os.statvfs(config.db_path.parent)
    except OSError:
        return None
    return disk.f_bavail / disk.f_blocks if disk.f_blocks else None


def open_poller(config: Config, clock: Clock, post: Callable[[Snapshot | Trouble], None]) -> Poller:
    """Return a poller on its own read-only connection, which opens in its thread."""
    reader = ConsoleDatabase(config)
    lookout = Lookout(reader, clock, disk_free=lambda: free_share(config))
    interval_seconds = config.tui_refresh_seconds
    return Poller(lookout, reader.close, post, interval_seconds=interval_seconds, clock=clock)
