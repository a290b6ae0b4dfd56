"""What was edited while no ticker lived: files that are not as the last scan saw them."""

import threading
from contextlib import suppress

from scheduler.db.functions import fetch_ids_in, fetch_sources
from scheduler.runner.inspection import hash_file

_PATIENCE_SECONDS = 0.5  # with folders of a server that is silent: what is not read is as it was


def find_unread() -> frozenset[int]:
    """Return the ids of the functions whose file was changed or removed since a scan saw it.

    What was switched off or deleted meanwhile must not run once more: their slots are to wait for
    a scan.
    Raises DatabaseUnavailableError.
    """
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
    return fetch_ids_in(changed.copy()) if changed else frozenset()


def _hash_of(path: str) -> str | None:
    try:
        return hash_file(path)
    except OSError:
        return None
