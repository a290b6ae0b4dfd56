"""Has executors forked ahead of runs that would otherwise wait for a fork."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from scheduler.clock import Clock
from scheduler.errors import ZygoteGoneError
from scheduler.executor.process import ExecutorProcess
from scheduler.executor.shelf import Shelf, Wanted

_BURST_SECONDS = 0.1  # how long forks are put off while slots are at work


class Successors:
    """In threads of its own: no run should wait for what only the runs after it need.

    `warm(scan_path, files)` forks one executor, has it import the files and puts it on the shelf.
    """

    def __init__(
        self, shelf: Shelf, warm: Callable[[str, Sequence[str]], None], clock: Clock
    ) -> None:
        self._shelf = shelf
        self._warm = warm
        self._clock = clock
        self._preparing: threading.Thread | None = None

    def prepare(self) -> None:
        """Have those forked that may be needed before the next call; called about every second.

        While slots are at work that is put off a little: forks and imports would be in the way of a
        burst that is soon over.
        """
        if self._preparing is not None and self._preparing.is_alive():
            return
        is_idle = self._shelf.wait_idle(0)
        wanted = self._shelf.successors() if is_idle else []
        if wanted or not is_idle:
            self._preparing = threading.Thread(target=self._prepare, args=(wanted,), daemon=True)
            with suppress(RuntimeError):  # no room for a thread: the next call tries again
                self._preparing.start()

    def begin(self, executor: ExecutorProcess, count: int) -> None:
        """Have one forked beside the next `count` runs of an executor, unless it is too early."""
        age_seconds = self._clock.monotonic() - executor.forked_at
        if self._shelf.wants_successor(executor, count, age_seconds):
            wanted = executor.scan_path, list(executor.files)
            try:
                threading.Thread(target=self._succeed, args=(wanted,), daemon=True).start()
            except RuntimeError:  # no room for a thread: the run that needs one forks it itself
                self._shelf.has_come()

    def _prepare(self, wanted: Sequence[Wanted]) -> None:
        if not wanted:
            self._shelf.wait_idle(_BURST_SECONDS)
            wanted = self._shelf.successors()
        self._warm_all(wanted)

    def _succeed(self, wanted: Wanted) -> None:
        try:
            self._warm_all([wanted])
        finally:
            self._shelf.has_come()

    def _warm_all(self, wanted: Sequence[Wanted]) -> None:
        with suppress(ZygoteGoneError, OSError):  # the run that needs it tries again, and tells
            for scan_path, files in wanted:
                self._warm(scan_path, files)
