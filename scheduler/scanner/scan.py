"""The scanner: walks, imports what may have changed, and says what is scheduled now."""

import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from scheduler.clock import Clock
from scheduler.runner.complaint import DUPLICATE_NAME, FileError
from scheduler.runner.inspection import FileReport, FoundFunction
from scheduler.scanner.findings import (
    Claims,
    KnownNames,
    NothingKnown,
    Place,
    find_incumbents,
    settle,
)
from scheduler.scanner.importer import Importer
from scheduler.scanner.packed import PackedReport
from scheduler.scanner.walk import FileState, Walk, walk

RETRY_FAILED_SECONDS = 300.0  # the cause may lie outside the scan path: a package, a permission


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """What one scan found; instants are UTC epoch seconds, functions and errors sorted by path.

    reports: what the files hold, sorted by path; whose names are that two of them want, the
    `incumbents` and the order tell.

    failed_files: (scan_path, module_path) of files that cannot be imported now: they keep the
    functions they had. unreachable_paths: scan paths that could not be listed entirely: no function
    below them is gone. changed: False when nothing but the instants differs from the last report.
    """

    started_at: float
    finished_at: float
    files: int
    function_count: int
    reports: tuple[PackedReport, ...]
    errors: tuple[FileError, ...]
    failed_files: frozenset[tuple[str, str]]
    unreachable_paths: frozenset[str]
    changed: bool
    incumbents: Mapping[str, Place] = field(default_factory=dict)

    @property
    def functions(self) -> Iterator[FoundFunction]:
        """The functions, unpacked file by file: a ticker of many has no room for all at once."""
        for report in settle((one.unpack() for one in self.reports), self.incumbents):
            yield from report.functions

    @property
    def owners(self) -> Iterator[tuple[str, str]]:
        """Each name with the path of its file; the last is right, also of files that failed."""
        for function in self.functions:
            yield function.name, f"{function.scan_path}/{function.module_path}"
        for name, (path, _) in self.incumbents.items():
            yield name, path


class FileImporter(Protocol):
    """What a scanner needs of `Importer`; tests import without processes."""

    def import_files(self, files: Sequence[FileState]) -> Generator[FileReport, None, None]:
        """Yield one report for each file, in any order."""
        ...


class Scanner:
    """Keeps what the last scan saw, so that an unchanged folder costs a walk. Not thread-safe."""

    def __init__(
        self,
        scan_paths: Sequence[Path],
        *,
        import_timeout_seconds: float,
        preload: Sequence[str] = (),
        clock: Clock,
        parallelism: int | None = None,
        importer: FileImporter | None = None,
        known: KnownNames | None = None,
    ) -> None:
        self._scan_paths = scan_paths
        self._clock = clock
        self._importer = importer or Importer(
            timeout_seconds=import_timeout_seconds,
            preload=preload,
            parallelism=parallelism or os.cpu_count() or 1,
            clock=clock,
        )
        self._seen = Walk()
        self._reports: dict[str, PackedReport] = {}
        self._known = known or NothingKnown()
        self._claims = Claims(self._known)
        self._last: ScanReport | None = None
        self._retry_at = 0.0

    def scan(
        self,
        *,
        on_found: Callable[[FileReport], None] | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> ScanReport:
        """Scan once. Faults of files are in the report; raises ZygoteGoneError if nothing can fork.

        If a file changed, appeared or went, its whole scan path is imported again, changed files
        first. `on_found` gets each file's report as it comes, without functions whose name another
        file holds; `on_progress` gets (files imported, files to import).
        """
        started_at = self._clock.now()
        seen = walk(self._scan_paths)
        files = self._choose(seen)
        fresh = self._import(seen, files, on_found, on_progress)
        is_changed = self._last is None or seen != self._seen
        is_changed |= any(self._reports.get(path) != report for path, report in fresh.items())
        if files and self._clock.monotonic() >= self._retry_at:
            self._retry_at = self._clock.monotonic() + RETRY_FAILED_SECONDS
        reports = {
            path: report for path, report in (self._reports | fresh).items() if path in seen.files
        }
        if self._last is None or is_changed:
            self._last = self._conclude(started_at, seen, reports)
        else:
            self._last = replace(
                self._last, started_at=started_at, finished_at=self._clock.now(), changed=False
            )
        self._seen, self._reports = seen, reports  # if the database had failed all were new again
        return self._last

    def _choose(self, seen: Walk) -> list[FileState]:
        """Return the files to import: what changed, its scan paths, at times what failed."""
        before, now = self._seen.files, seen.files
        changed = {path for path, state in now.items() if before.get(path) != state}
        removed = before.keys() - now.keys()
        dirty = {now[path].scan_path for path in changed}
        dirty |= {before[path].scan_path for path in removed}
        is_retry_due = self._clock.monotonic() >= self._retry_at
        wanted = [
            path
            for path, state in now.items()
            if state.scan_path in dirty or (is_retry_due and _has_failed(self._reports, path))
        ]
        wanted.sort(key=lambda path: (path not in changed, _has_failed(self._reports, path), path))
        return [now[path] for path in wanted]

    def _import(
        self,
        seen: Walk,
        files: Sequence[FileState],
        on_found: Callable[[FileReport], None] | None,
        on_progress: Callable[[int, int], None] | None,
    ) -> dict[str, PackedReport]:
        if files:
            blocked = ("/".join(place) for place in seen.blocked_files)
            owners = None if self._last is None else self._last.owners
            self._claims.restart(owners, [*seen.files, *blocked])
        fresh: dict[str, PackedReport] = {}
        with closing(self._importer.import_files(files)) as reports:
            for report in reports:
                found = _without_removed(report)
                fresh[report.path] = PackedReport(found)
                if on_found:
                    on_found(self._claims.uncontested(found))
                if on_progress:
                    on_progress(len(fresh), len(files))
        self._claims.forget()
        return fresh

    def _conclude(
        self, started_at: float, seen: Walk, by_path: Mapping[str, PackedReport]
    ) -> ScanReport:
        reports = tuple(by_path[path] for path in sorted(by_path))
        failed = {
            (file.scan_path, file.module_path)
            for path, file in seen.files.items()
            if _has_failed(by_path, path)
        } | seen.blocked_files
        incumbents = kept = dict(self._known.fetch_names_in(failed)) if failed else {}
        function_count, errors = _count(reports, incumbents)
        if any(error.error_type == DUPLICATE_NAME for error in errors):
            incumbents = find_incumbents((one.unpack() for one in reports), self._known) | kept
            function_count, errors = _count(reports, incumbents)
        return ScanReport(
            started_at=started_at,
            finished_at=self._clock.now(),
            files=len(seen.files),
            function_count=function_count,
            reports=reports,
            errors=_one_a_path([*seen.errors, *errors]),
            failed_files=frozenset(failed),
            unreachable_paths=frozenset(seen.unreachable_paths),
            changed=True,
            incumbents=incumbents,
        )


def _count(
    reports: Sequence[PackedReport], incumbents: Mapping[str, Place]
) -> tuple[int, list[FileError]]:
    """Return how many functions there are, and the errors of their files."""
    count, errors = 0, []
    for report in settle((one.unpack() for one in reports), incumbents):
        count += len(report.functions)
        errors += [report.error] if report.error else []
    return count, errors


def _has_failed(reports: Mapping[str, PackedReport], path: str) -> bool:
    return path in reports and not reports[path].is_imported


def _without_removed(report: FileReport) -> FileReport:
    """A file that went between walk and import did not fail: the next walk will not see it."""
    if report.is_imported or os.path.lexists(report.path):
        return report
    return replace(report, error=None, is_imported=True)


def _one_a_path(errors: Sequence[FileError]) -> tuple[FileError, ...]:
    first = {error.path: error for error in reversed(errors)}
    return tuple(sorted(first.values(), key=lambda error: error.path))
