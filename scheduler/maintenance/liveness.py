"""Who is dead: a lock that can be taken, or a counter that did not move while one watched it.

Never a comparison of wall clocks: laptops sleep and clocks are skewed.
"""

import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scheduler.db.processes import ProcessRow

LEAST_LOOKS = 3
LONGEST_LOOK_SECONDS = 1.0
# Of the silence that counts as death. It waits for all but two looks, 0.8 of it at least: the lease
# ends at 0.6 and the fuse at 0.75, and old code must be dead by then.
LOOK_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Death:
    """A process that an observer found dead, and why."""

    process: ProcessRow
    reason: str


@dataclass(slots=True)
class _Sighting:
    beat: int
    seen_at: float  # the observer's monotonic seconds
    silent_seconds: float = 0.0


class Watch:
    """One observer's memory of the counters it has seen; it is to look every `look_seconds`.

    A death is told within `dead_after_seconds`, so the silence it waits for is two looks shorter:
    a beat may be seen one look late, and its absence another. Between two looks it counts at most a
    third of that: an observer that was away itself (stopped, or cut off from the database like all
    others) has not seen silence.
    """

    def __init__(self, run_folder: Path | None, dead_after_seconds: float) -> None:
        self._run_folder = run_folder
        self.look_seconds = min(LONGEST_LOOK_SECONDS, LOOK_SHARE * dead_after_seconds)
        self._patience_seconds = dead_after_seconds - 2 * self.look_seconds
        self._sightings: dict[str, _Sighting] = {}

    def look(self, processes: Sequence[ProcessRow], monotonic: float) -> list[Death]:
        """Look once at all processes; return those that are dead."""
        watched = [process for process in processes if process.state != "lost"]
        self._sightings = {process.id: self._see(process, monotonic) for process in watched}
        deaths = []
        for process in watched:
            if self._run_folder and is_lock_free(lock_path(self._run_folder, process.id)):
                deaths.append(Death(process, "its process has ended without a word"))
            elif self._is_silent(process):
                reason = f"no heartbeat for {self._patience_seconds:g} s"
                deaths.append(Death(process, reason))
        return deaths

    def _see(self, process: ProcessRow, monotonic: float) -> _Sighting:
        known = self._sightings.get(process.id)
        if known is None or known.beat != process.beat:
            return _Sighting(process.beat, monotonic)
        most = self._patience_seconds / LEAST_LOOKS
        known.silent_seconds += min(monotonic - known.seen_at, most)
        known.seen_at = monotonic
        return known

    def _is_silent(self, process: ProcessRow) -> bool:
        return self._sightings[process.id].silent_seconds >= self._patience_seconds


def is_lock_free(path: str) -> bool:
    """Tell whether the owner of a lock file is gone; a missing file says nothing."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def lock_path(run_folder: Path, process_id: str) -> str:
    """Return the path of a process's lock file, which also holds a worker's tally."""
    return f"{run_folder}/{process_id}.lock"


def remove_lock(run_folder: Path | None, process_id: str) -> None:
    """Remove the lock file of a dead process."""
    if run_folder is not None:
        with suppress(OSError):  # it says nothing any more, wherever it cannot be removed
            os.unlink(lock_path(run_folder, process_id))
