"""Whose is a name: the first file's by path; a second file that wants it gets an error."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from scheduler.runner.complaint import DUPLICATE_NAME, FileError, complain
from scheduler.runner.inspection import FileReport, FoundFunction


def settle(reports: Iterable[FileReport]) -> Iterator[FileReport]:
    """Yield each report with the functions whose names no report before it has, and its error.

    The reports come sorted by path, and are not kept: there may be a great many functions.
    """
    owners: dict[str, tuple[str, int]] = {}  # name: path and line
    for report in reports:
        own, doubles = [], []
        for function in report.functions:
            place = (report.path, function.line)
            owner = owners.setdefault(function.name, place)
            if owner is place:
                own.append(function)
            else:
                doubles.append((function, owner))
        error = _complain_of_doubles(report, doubles) if doubles else report.error
        yield replace(report, functions=tuple(own), error=error)


class Claims:
    """Which file holds which name while reports still come in, so that none is announced twice."""

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}  # name: path

    def restart(self, functions: Iterable[FoundFunction], kept_paths: Iterable[str]) -> None:
        """Begin with what the last scan found in the files that are still there."""
        kept = set(kept_paths)
        self._paths = {
            function.name: path
            for function in functions
            if (path := f"{function.scan_path}/{function.module_path}") in kept
        }

    def forget(self) -> None:
        """Give the memory back until the next scan."""
        self._paths = {}

    def uncontested(self, report: FileReport) -> FileReport:
        """Return the report without the functions whose name another file holds."""
        path = report.path
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
