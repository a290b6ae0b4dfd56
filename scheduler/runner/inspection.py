"""Inspects one file: imports it and lists the scheduled functions it defines."""

from dataclasses import dataclass

from scheduler.decorators import ScheduleSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFunction:
    """One decorated function as found in its own file; `name` is already resolved."""

    name: str
    scan_path: str
    module_path: str  # relative to scan_path, with forward slashes
    qualname: str
    line: int
    description: str
    source_hash: str  # of the whole file
    spec: ScheduleSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class FileError:
    """Why one file, or one scan path, could not be scanned."""

    path: str
    error_type: str
    message: str
    traceback: str
    line: int | None
