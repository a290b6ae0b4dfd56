"""Scans as the service makes them: one at a time by a lease, written as they come."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from scheduler.clock import Clock, SystemClock, sleep
from scheduler.config import Config
from scheduler.db import functions, scans, upserts
from scheduler.db.schema import init_schema
from scheduler.errors import SchedulerError
from scheduler.logs import event
from scheduler.maintenance.presence import Presence
from scheduler.runner.complaint import ERROR, WARNING, FileError
from scheduler.runner.inspection import FileReport, FoundFunction
from scheduler.scanner import Scanner, ScanReport

_PATIENCE_SECONDS = 60.0  # with another process that scans
_STEP_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """What one scan found, in one line each: files that failed, and what others did besides."""

    files: int
    functions: int
    errors: tuple[str, ...]
    warnings: tuple[str, ...]


class Scanning:
    """Scans under the lease and writes what was found; keeps the last snapshot between scans."""

    def __init__(
        self,
        config: Config,
        *,
        process_id: Callable[[], str],
        clock: Clock,
        on_change: Callable[[], None] = lambda: None,
        on_errors: Callable[[Sequence[FileError]], None] = lambda _: None,
        on_read: Callable[[FileReport], None] = lambda _: None,
    ) -> None:
        self._config = config
        self._process_id = process_id
        self._clock = clock
        self._on_change = on_change
        self._on_errors = on_errors
        self._on_read = on_read
        self._complained: set[str] = set()
        self._scanner = Scanner(
            config.scan_paths,
            import_timeout_seconds=config.import_timeout_seconds,
            preload=config.preload,
            clock=clock,
            known=functions,
        )

    def scan(self, on_progress: Callable[[int, int], None] | None = None) -> ScanSummary | None:
        """Scan once and write the result; None while another process scans."""
        process_id = self._process_id()
        if not scans.take_lease(process_id):
            return None
        self._complained = scans.fetch_error_paths()
        try:
            report = self._scanner.scan(on_found=self._write_file, on_progress=on_progress)
            self._write(report)
        finally:
            scans.release_lease(process_id)
        return ScanSummary(
            report.files,
            report.function_count,
            _lines(report.errors, ERROR),
            _lines(report.errors, WARNING),
        )

    def _write_file(self, report: FileReport) -> None:
        """Write one file's functions and its error as soon as they are known."""
        self._upsert(report.functions, self._clock.now())
        if report.error is not None:
            scans.record_file_errors([report.error], self._clock.now())
        elif report.path in self._complained:
            scans.forget_file_error(report.path)
        self._on_read(report)

    def _write(self, report: ScanReport) -> None:
        if scans.is_outdated(report.started_at, self._clock.now()):
            return
        # An unchanged folder costs one count; it differs when the database was made anew.
        if report.changed or functions.count_present() != report.function_count:
            now = self._clock.now()
            found = report.functions
            while batch := list(islice(found, upserts.BATCH)):
                self._upsert(batch, now)
            self._mark_gone(report, now)
        scans.record_scan(
            started_at=report.started_at,
            finished_at=report.finished_at,
            files=report.files,
            functions=report.function_count,
            errors=report.errors,
        )
        if report.changed:
            event(
                "scan.finished",
                functions=report.function_count,
                files=report.files,
                errors=scans.count_errors(report.errors),
                warnings=len(_lines(report.errors, WARNING)) or None,
            )
        self._on_errors(report.errors)

    def _mark_gone(self, report: ScanReport, seen_at: float) -> None:
        """Mark what was not among the functions that were upserted at an instant."""
        unseen = functions.fetch_unseen(seen_at)
        gone = find_gone(unseen, report) if unseen else []
        functions.mark_gone(gone, seen_at)
        for name in gone:
            event("function.gone", function=name)

    def _upsert(self, found: Sequence[FoundFunction], now: float) -> None:
        upserted = upserts.upsert_functions(found, timezone=self._config.timezone, now=now)
        if upserted.new or upserted.changed:
            self._on_change()


class ScanThread:
    """Scans beside the tick, which never waits for one; at most one scan at a time."""

    def __init__(self, scanning: Scanning) -> None:
        self._scanning = scanning
        self._thread: threading.Thread | None = None
        self.has_scanned = False
        """Whether a scan has come to its end."""

    def step(self, _now: float) -> None:
        """Start a scan unless the last one is still going."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._scan, name="scan", daemon=True)
            try:
                self._thread.start()
            except RuntimeError as error:  # the system gives no thread: tried again at its time
                event("scan.failed", "error", error=str(error))

    def _scan(self) -> None:
        try:
            self.has_scanned = self._scanning.scan() is not None or self.has_scanned
        except SchedulerError as error:
            event("scan.failed", "error", error=str(error))


def scan_once(
    config: Config, on_progress: Callable[[int, int], None] | None = None
) -> ScanSummary | None:
    """Make or migrate the schema, scan once and write the result; for the `scan` command.

    None when another process scans for longer than a minute.
    """
    clock = SystemClock()
    init_schema(config)
    presence = Presence(config, "scan", clock=clock)
    presence.start()
    has_ended = threading.Event()
    beating = threading.Thread(
        target=_beat, args=(presence, config.heartbeat_seconds, has_ended), daemon=True
    )
    with suppress(RuntimeError):  # without a thread it may be declared dead: then nobody waits
        beating.start()
    try:
        scanning = Scanning(config, process_id=lambda: presence.id, clock=clock)
        until = clock.monotonic() + _PATIENCE_SECONDS
        while (summary := scanning.scan(on_progress)) is None and clock.monotonic() < until:
            sleep(_STEP_SECONDS)
        return summary
    finally:
        has_ended.set()
        if beating.is_alive():
            beating.join()
        presence.stop()


def _beat(presence: Presence, every_seconds: float, has_ended: threading.Event) -> None:
    """Show that the process lives: a single file may take longer than that is assumed."""
    while not has_ended.wait(every_seconds):
        with suppress(SchedulerError):
            presence.beat()


def _lines(errors: Sequence[FileError], severity: str) -> tuple[str, ...]:
    return tuple(f"{error.path}: {error.text}" for error in errors if error.severity == severity)


def find_gone(places: Sequence[tuple[str, str, str]], report: ScanReport) -> list[str]:
    """Return the names of known functions that a scan proves to be gone.

    `places` are (name, scan_path, module_path). A file that does not import any more keeps its
    functions, and so does a scan path that cannot be read.
    """
    found = {function.name for function in report.functions}
    return [
        name
        for name, scan_path, module_path in places
        if name not in found
        and (scan_path, module_path) not in report.failed_files
        and scan_path not in report.unreachable_paths
    ]
