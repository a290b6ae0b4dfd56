"""Whose is a name: the file's that had it before, else the first file's by path.

Another file that wants it gets an error, also while the first cannot be imported.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from scheduler.runner.complaint import DUPLICATE_NAME, FileError, complain
from scheduler.runner.inspection import FileReport, FoundFunction

Place: TypeAlias = tuple[str, int]
"""Where a function stands: path and line."""
Holders: TypeAlias = Callable[[Collection[str]], Mapping[str, str]]
"""Returns the paths of the files that have had these names so far, of those that are known."""
Keepers: TypeAlias = Callable[[Collection[tuple[str, str]]], Mapping[str, Place]]
"""Returns the names that these files, (scan_path, module_path), have had so far."""


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


def find_incumbents(reports: Iterable[FileReport], holders: Holders) -> dict[str, Place]:
    """Return, of the names that several files want, those that one of them has had so far."""
    first: dict[str, Place] = {}
    rivals: dict[str, dict[str, int]] = {}
    for report in reports:
        for function in report.functions:
            path, line = first.setdefault(function.name, (report.path, function.line))
            if path != report.path:
                lines = rivals.setdefault(function.name, {path: line})
                lines.setdefault(report.path, function.line)
    known = holders(rivals) if rivals else {}
    return {
        name: (path, rivals[name][path]) for name, path in known.items() if path in rivals[name]
    }


class Claims:
    """Which file holds which name while reports still come in, so that none is announced twice."""

    def __init__(self, holders: Holders) -> None:
        self._holders = holders
        self._paths: dict[str, str] = {}  # name: path
        self._kept: set[str] = set()
        self._has_last = False

    def restart(
        self,
        functions: Iterable[FoundFunction] | None,
        kept_paths: Iterable[str],
        incumbents: Mapping[str, Place] | None = None,
    ) -> None:
        """Begin with what the last scan found in the files that are still there.

        None when there was none yet: then the `holders` are asked.
        """
        self._has_last = functions is not None
        self._kept = set(kept_paths)
        self._paths = {
            function.name: path
            for function in functions or ()
            if (path := f"{function.scan_path}/{function.module_path}") in self._kept
        }
        for name, (path, _) in (incumbents or {}).items():
            if path in self._kept:
                self._paths[name] = path

    def forget(self) -> None:
        """Give the memory back until the next scan."""
        self._paths, self._kept = {}, set()

    def uncontested(self, report: FileReport) -> FileReport:
        """Return the report without the functions whose name another file holds."""
        path = report.path
        if not self._has_last and report.functions:
            known = self._holders([function.name for function in report.functions])
            for name, holder in known.items():
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
