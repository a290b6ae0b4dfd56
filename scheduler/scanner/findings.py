"""Whose is a name: the file's that had it before, else the first file's by path.

Another file that wants it gets an error, also while the first cannot be imported.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol, TypeAlias

from scheduler.runner.complaint import DUPLICATE_NAME, FileError, complain
from scheduler.runner.inspection import FileReport, FoundFunction

Place: TypeAlias = tuple[str, int]
"""Where a function stands: path and line."""


class KnownNames(Protocol):
    """Who tells which file has had which name so far, before the first scan too."""

    def fetch_paths(self, names: Collection[str]) -> Mapping[str, str]:
        """Return the paths of the files that have had these names, of those that are known."""
        ...

    def fetch_names_in(self, files: Collection[tuple[str, str]]) -> Mapping[str, Place]:
        """Return the names that these files, (scan_path, module_path), have had."""
        ...


class NothingKnown:
    """Where no table is asked: a first scan finds all of it."""

    def fetch_paths(self, _names: Collection[str]) -> Mapping[str, str]:
        """Know none of these names."""
        return {}

    def fetch_names_in(self, _files: Collection[tuple[str, str]]) -> Mapping[str, Place]:
        """Know none of these files."""
        return {}


def settle(
    reports: Iterable[FileReport], incumbents: Mapping[str, Place] | None = None
) -> Iterator[FileReport]:
    """Yield each report with the functions whose names are its own, and its error.

    Whose they are if several want them the `incumbents` tell, else the order of the reports. These
    come sorted by path, and are not kept: there may be a great many functions.
    """
    owners = dict(incumbents or {})
    for report in reports:
        own, doubles = [], []
        for function in report.functions:
            place = (report.path, function.line)
            owner = owners.setdefault(function.name, place)
            if owner == place:
                own.append(function)
            else:
                doubles.append((function, owner))
        error = _complain_of_doubles(report, doubles) if doubles else report.error
        yield replace(report, functions=tuple(own), error=error)


def find_incumbents(reports: Iterable[FileReport], known: KnownNames) -> dict[str, Place]:
    """Return, of the names that several files want, those that one of them has had so far."""
    first: dict[str, Place] = {}
    rivals: dict[str, dict[str, int]] = {}
    for report in reports:
        for function in report.functions:
            path, line = first.setdefault(function.name, (report.path, function.line))
            if path != report.path:
                lines = rivals.setdefault(function.name, {path: line})
                lines.setdefault(report.path, function.line)
    holders = known.fetch_paths(rivals) if rivals else {}
    return {
        name: (path, rivals[name][path]) for name, path in holders.items() if path in rivals[name]
    }


class Claims:
    """Which file holds which name while reports still come in, so that none is announced twice."""

    def __init__(self, known: KnownNames) -> None:
        self._known = known
        self._paths: dict[str, str] = {}  # name: path
        self._kept: set[str] = set()
        self._has_last = False

    def restart(self, owners: Iterable[tuple[str, str]] | None, kept_paths: Iterable[str]) -> None:
        """Begin with the names that files had after the last scan, of those that are still there.

        None when there was none yet: then who knows is asked.
        """
        self._has_last = owners is not None
        self._kept = set(kept_paths)
        self._paths = {name: path for name, path in owners or () if path in self._kept}

    def forget(self) -> None:
        """Give the memory back until the next scan."""
        self._paths, self._kept = {}, set()

    def uncontested(self, report: FileReport) -> FileReport:
        """Return the report without the functions whose name another file holds."""
        path = report.path
        if not self._has_last and report.functions:
            holders = self._known.fetch_paths([function.name for function in report.functions])
            for name, holder in holders.items():
                if holder in self._kept:
                    self._paths.setdefault(name, holder)
        own = [
            function
            for settled in settle([report])
            for function in settled.functions
            if self._paths.setdefault(function.name, path) == path
        ]
        return replace(report, functions=tuple(own))


def _complain_of_doubles(
    report: FileReport, doubles: list[tuple[FoundFunction, tuple[str, int]]]
) -> FileError:
    texts = [
        f"{function.name} is already the name of the function in {path}, line {line}:"
        " rename one of them, or give it name="
        for function, (path, line) in doubles
    ]
    if report.error:
        texts.append(report.error.message)
    return complain(report.path, DUPLICATE_NAME, "; ".join(texts), line=doubles[0][0].line)
