"""This process's sign of life: a row with a counter, and a lock that only its death releases."""

import contextlib
import fcntl
import os
import socket
import uuid
from pathlib import Path

from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.db.processes import ProcessRow, beat, deregister, mark_draining, register
from scheduler.errors import DatabaseUnavailableError
from scheduler.logs import event
from scheduler.maintenance.liveness import lock_path
from scheduler.runner.tally import Tallied, Tally, open_tally, read_tally
from scheduler.stopping import RESTARTS_VARIABLE
from scheduler.wording import short_id


def run_folder(config: Config) -> Path | None:
    """Return the folder of the lock files, None on PostgreSQL, where only the counter counts."""
    if config.database_url:
        return None
    return config.db_path.with_name(config.db_path.name + ".run")


class Presence:
    """Registers this process and keeps its heartbeat; `id` is its name in claims and rows."""

    def __init__(
        self, config: Config, role: str, *, clock: Clock, slots: int = 0, cells: int = 0
    ) -> None:
        self._folder = run_folder(config)
        self._role = role
        self._clock = clock
        self._slots = slots
        self._cells = cells  # of a worker's tally
        self._restarts = os.environ.pop(RESTARTS_VARIABLE, None)  # what the supervisor has to tell
        self._lock_path: Path | None = None
        self._lock_fd: int | None = None
        self.id = ""
        self.tally: Tally | None = None  # of a worker's batches, in the file that it has locked

    @property
    def name(self) -> str:
        """What people call it, in logs as in commands."""
        return short_id(self.id)

    def start(self) -> None:
        """Take the lock and insert the row, in this order: a row without a lock would look dead."""
        self.id = uuid.uuid4().hex
        self._lock_path = Path(lock_path(self._folder, self.id)) if self._folder else None
        self._take_lock()
        try:
            register(self._row(self._clock.now()))
        except BaseException:
            self._release_lock()  # nobody removes one that has no row
            raise

    def beat(self, detail: str | None = None) -> bool:
        """Count one heartbeat. False if others declared this process dead, or forgot it: what it
        claimed is not its own any more, and it is registered anew under another id."""
        if not self._holds_its_lock():
            self._take_lock()
        told = "; ".join(filter(None, (detail, self._restarts)))
        if beat(self.id, self._clock.now(), told or None):
            return True
        self._release_lock()
        self.start()
        return False

    def tallied(self) -> Tallied:
        """Return what the tally says, once the executors are dead."""
        return read_tally(str(self._lock_path)) if self.tally is not None else Tallied()

    def drain(self) -> None:
        """Say that this process takes no new work; one that cannot say so drains all the same."""
        try:
            mark_draining(self.id)
        except DatabaseUnavailableError as error:
            event("process.unmarked", "warning", error=str(error))

    def stop(self) -> None:
        """Remove the row, then release the lock."""
        deregister(self.id)
        self._release_lock()

    def _row(self, now: float) -> ProcessRow:
        return ProcessRow(
            id=self.id,
            role=self._role,
            host=socket.gethostname(),
            pid=os.getpid(),
            started_at=now,
            beat=0,
            heartbeat_at=now,
            slots=self._slots,
            state="running",
            detail=self._restarts,
        )

    def _take_lock(self) -> None:
        if self._lock_path is None:
            return
        try:
            self._lock_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock_fd = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DatabaseUnavailableError(
                f"{self._lock_path}: cannot be created ({error.strerror})"
            ) from error
        if self._lock_fd is not None:
            os.close(self._lock_fd)
        self._lock_fd = lock_fd
        fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
        # Who has the tally open, the executors, holds the lock as well: free, all of them are dead.
        self.tally = open_tally(lock_fd, self._cells) if self._cells else None

    def _holds_its_lock(self) -> bool:
        """Tell whether the lock file is still the one this process has locked."""
        if self._lock_path is None or self._lock_fd is None:
            return True
        try:
            there = os.stat(self._lock_path)
        except OSError:
            return False
        ours = os.fstat(self._lock_fd)
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _release_lock(self) -> None:
        if self._lock_fd is not None and self._lock_path is not None:
            with contextlib.suppress(OSError):
                self._lock_path.unlink()
            os.close(self._lock_fd)
            self._lock_fd = self.tally = None
