"""What was edited while no ticker lived: files that are not as the last scan saw them."""

import threading
from contextlib import suppress

from scheduler.db.functions import fetch_places_in, fetch_sources
from scheduler.runner.inspection import FileReport, hash_file

_PATIENCE_SECONDS = 0.5  # with folders of a server that is silent: what is not read is as it was


class Unread:
    """The functions whose file was changed or removed since a scan saw it.

    What was switched off or deleted meanwhile must not run once more: their slots are to wait for
    a scan. It releases them from its own thread, one file after the other.
    """

    def __init__(self) -> None:
        self._places: dict[int, tuple[str, str]] = {}
        self.ids: frozenset[int] = frozenset()
        """Of the functions that are to wait."""

    def look(self) -> None:
        """Find them; raises DatabaseUnavailableError."""
        changed = _find_changed()
        self._places = fetch_places_in(changed) if changed else {}
        self.ids = frozenset(self._places)

    def release(self, report: FileReport) -> None:
        """Let those go on that a scan has found, or whose file does not import any more.

        What it did not find may stand in another file: that shows at its end.
        """
        found = {function.name for function in report.functions}
        read = {
            function_id
            for function_id, (path, name) in self._places.items()
            if name in found or (path == report.path and not report.is_imported)
        }
        self.ids -= read

    def release_all(self) -> None:
        """Let all of them go on."""
        self.ids = frozenset()


def _find_changed() -> set[tuple[str, str]]:
    sources = fetch_sources()
    changed: set[tuple[str, str]] = set()

    def read() -> None:
        for scan_path, module_path, source_hash in sources:
            if _hash_of(f"{scan_path}/{module_path}") != source_hash:
                changed.add((scan_path, module_path))

    reading = threading.Thread(target=read, name="unread", daemon=True)
    with suppress(RuntimeError):  # the system gives no thread
        reading.start()
        reading.join(_PATIENCE_SECONDS)
    return changed.copy()


def _hash_of(path: str) -> str | None:
    try:
        return hash_file(path)
    except OSError:
        return None
