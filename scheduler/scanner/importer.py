"""Imports files, each in a process of its own, a few at once, and yields what each reports."""

import selectors
from collections import deque
from collections.abc import Generator, Iterator, Sequence

from scheduler.clock import Clock, sleep
from scheduler.errors import ZygoteGoneError
from scheduler.executor.client import Zygote
from scheduler.executor.newborn import TARGETS
from scheduler.runner.common import COMMON
from scheduler.runner.inspection import FileReport
from scheduler.scanner.inspector import Inspector
from scheduler.scanner.walk import FileState

_NICENESS = 10
_PATIENCE_SECONDS = 1.0  # a file that takes longer gives its place to another one
_LOOK_SECONDS = 0.5
_MAX_SLOW = 8  # how many may be going beyond the places
_MAX_REFUSALS = 20
_REFUSAL_SECONDS = 0.05


class Importer:
    """Runs a zygote only while files are imported; user code never runs in this process."""

    def __init__(
        self, *, timeout_seconds: float, preload: Sequence[str], parallelism: int, clock: Clock
    ) -> None:
        self._timeout_seconds = timeout_seconds
        # Not `urllib.request` and such, which a file must not find because another has needed it.
        common = [name for name in COMMON if "." not in name]
        self._preload = (TARGETS["inspect"], "scheduler.cron", *common, *preload)
        self._parallelism = parallelism
        self._clock = clock

    def import_files(self, files: Sequence[FileState]) -> Generator[FileReport, None, None]:
        """Import the files in this order and yield one report each, as they come.

        Raises ZygoteGoneError when no process can be started at all. Close it to stop early.
        """
        if not files:
            return
        batch = _Batch(self, files)
        try:
            yield from batch.reports()
        finally:
            batch.close()

    def start_zygote(self) -> Zygote:
        """Start the process that forks the inspectors; raises ZygoteGoneError."""
        zygote = Zygote(preload=self._preload, niceness=_NICENESS)
        zygote.start()
        return zygote

    def inspect(self, zygote: Zygote, file: FileState) -> Inspector:
        """Begin to import one file; raises ZygoteGoneError, OSError."""
        return Inspector(zygote, file, timeout_seconds=self._timeout_seconds, clock=self._clock)

    def look(self, zygote: Zygote) -> None:
        """See to it that it answers: a file may have stopped it."""
        zygote.look(self._clock.monotonic())

    def has_room(self, going: Sequence[Inspector]) -> bool:
        """Tell whether one more may start beside those that are `going`."""
        since = self._clock.monotonic() - _PATIENCE_SECONDS
        quick = sum(inspector.started_at > since for inspector in going)
        return quick < self._parallelism and len(going) < self._parallelism + _MAX_SLOW

    def seconds_to_wait(self, going: Sequence[Inspector]) -> float:
        """Return how long nothing happens by time alone: no deadline, no place given up."""
        now = self._clock.monotonic()
        given_up = [inspector.started_at + _PATIENCE_SECONDS for inspector in going]
        coming = [at for at in given_up if at > now] + [one.deadline_at for one in going]
        return max(0.0, min(coming, default=now) - now)

    def is_late(self, inspector: Inspector) -> bool:
        """Tell whether its deadline has passed."""
        return self._clock.monotonic() >= inspector.deadline_at


class _Batch:
    """The files of one scan: waiting, going, and suspected of having killed the zygote."""

    def __init__(self, importer: Importer, files: Sequence[FileState]) -> None:
        self._importer = importer
        self._waiting = deque(files)
        self._going: list[Inspector] = []
        self._suspects: deque[FileState] = deque()  # imported again, each alone
        self._alone: FileState | None = None
        try:
            self._selector = selectors.DefaultSelector()
        except OSError as error:
            raise ZygoteGoneError(f"no process can be watched: {error.strerror}") from error
        self._zygote = importer.start_zygote()
        self._refusals = 0

    def reports(self) -> Iterator[FileReport]:
        while self._waiting or self._going or self._suspects:
            self._fill()
            self._wait()
            for inspector in list(self._going):
                if inspector.is_over:
                    yield from self._finish(inspector)

    def close(self) -> None:
        for inspector in self._going:
            inspector.close()
        self._selector.close()
        self._zygote.stop()

    def _fill(self) -> None:
        """Start what there is room for; a suspect only when nothing else is left or going."""
        while self._waiting and self._importer.has_room(self._going):
            if not self._start(self._waiting):
                return
        if self._suspects and not self._waiting and not self._going:
            self._alone = self._suspects[0]
            self._start(self._suspects)

    def _start(self, files: deque[FileState]) -> bool:
        try:
            inspector = self._importer.inspect(self._zygote, files[0])
        except (ZygoteGoneError, OSError):
            self._renew_zygote()
            return False
        self._refusals = 0
        files.popleft()
        self._going.append(inspector)
        for fd in inspector.fds:
            self._selector.register(fd, selectors.EVENT_READ, inspector)
        return True

    def _renew_zygote(self) -> None:
        """Replace a dead zygote; one that lives but cannot fork is given time to recover."""
        self._refusals += 1
        if self._refusals > _MAX_REFUSALS:
            raise ZygoteGoneError("No process could be forked to import the files")
        if self._zygote.is_alive():
            sleep(_REFUSAL_SECONDS)
            return
        self._zygote.stop()
        self._zygote = self._importer.start_zygote()

    def _wait(self) -> None:
        seconds = min(self._importer.seconds_to_wait(self._going), _LOOK_SECONDS)
        self._importer.look(self._zygote)
        for key, _ in self._selector.select(seconds):
            if not key.data.pump(key.fd):
                self._selector.unregister(key.fd)
        for inspector in self._going:
            if not inspector.is_over and self._importer.is_late(inspector):
                inspector.escalate()

    def _finish(self, inspector: Inspector) -> Iterator[FileReport]:
        self._going.remove(inspector)
        report = inspector.report()
        for fd in inspector.fds:
            if fd in self._selector.get_map():
                self._selector.unregister(fd)
        inspector.close()
        if inspector.lost_its_zygote and inspector.file != self._alone:
            self._suspects.append(inspector.file)
        else:
            yield report
