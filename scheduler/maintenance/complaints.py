"""The log of what is wrong with files and folders: once when it is new, once when it is gone."""

from collections.abc import Sequence

from scheduler.logs import event
from scheduler.maintenance.unscanned import kind_of
from scheduler.runner.complaint import WARNING, FileError


class Complaints:
    """Remembers what has been told; a process that starts tells what is still wrong."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}  # path: error

    def tell(self, errors: Sequence[FileError]) -> None:
        """Log what is new or has changed since the last call, and what is mended."""
        current = {error.path: error.text for error in errors}
        for error in errors:
            if self._told.get(error.path) != error.text:
                _warn(error)
        for path in sorted(self._told.keys() - current.keys()):
            event("scan.mended", kind=kind_of(path), path=path)
        self._told = current


def _warn(error: FileError) -> None:
    name = "scan.remarked" if error.severity == WARNING else "scan.broken"
    event(name, "warning", kind=kind_of(error.path), path=error.path, error=error.text)
