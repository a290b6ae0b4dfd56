"""Whose is a name: the first file's by path; a second file that wants it gets an error."""

from collections.abc import Iterable
from dataclasses import replace

from scheduler.runner.complaint import DUPLICATE_NAME, FileError, complain
from scheduler.runner.inspection import FileReport, FoundFunction


def settle(
    reports: Iterable[FileReport],
) -> tuple[tuple[FoundFunction, ...], tuple[FileError, ...]]:
    """Return the functions with unique names, and the errors, one a file at most."""
    owners: dict[str, FoundFunction] = {}
    errors = []
    for report in sorted(reports, key=lambda report: report.path):
        doubles = []
        for function in report.functions:
            owner = owners.setdefault(function.name, function)
            if owner is not function:
                doubles.append((function, owner))
        error = _complain_of_doubles(report, doubles) if doubles else report.error
        if error:
            errors.append(error)
    return tuple(owners.values()), tuple(errors)


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
            for function in settle([report])[0]
            if self._paths.setdefault(function.name, path) == path
        ]
        return replace(report, functions=tuple(own))


def _complain_of_doubles(
    report: FileReport, doubles: list[tuple[FoundFunction, FoundFunction]]
) -> FileError:
    texts = [
        f"{function.name} is already the name of the function in"
        f" {owner.scan_path}/{owner.module_path}, line {owner.line}:"
        " rename one of them, or give it name="
        for function, owner in doubles
    ]
    if report.error:
        texts.append(report.error.message)
    return complain(report.path, DUPLICATE_NAME, "; ".join(texts), line=doubles[0][0].line)
