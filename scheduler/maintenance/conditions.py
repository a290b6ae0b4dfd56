"""Which processes of the service are alive, as one look can tell."""

from collections.abc import Iterable
from dataclasses import dataclass

from scheduler.config import Config
from scheduler.db.processes import ProcessRow
from scheduler.db.processes import list_processes as read_processes
from scheduler.maintenance.liveness import is_lock_free, lock_path
from scheduler.maintenance.presence import run_folder
from scheduler.wording import short_id


@dataclass(frozen=True, slots=True)
class Process:
    """A process and its condition: alive, draining, stalled (lives but does not beat) or dead."""

    id: str
    role: str
    host: str
    pid: int
    condition: str
    started_at: float
    heartbeat_at: float
    slots: int
    detail: str | None

    @property
    def is_alive(self) -> bool:
        """Whether it takes part in the work."""
        return self.condition in {"alive", "draining"}

    @property
    def takes_work(self) -> bool:
        """Whether it is a worker that starts what is queued."""
        return self.role == "worker" and self.condition == "alive"

    @property
    def label(self) -> str:
        """How people tell it from others."""
        return f"{self.role} {short_id(self.id)} (pid {self.pid} on {self.host})"


def has_ticker(processes: Iterable[Process]) -> bool:
    """Tell whether somebody decides due slots."""
    return any(process.role == "ticker" and process.is_alive for process in processes)


def list_processes(config: Config, now: float) -> list[Process]:
    """Return all processes, the oldest first.

    One look cannot see whether a counter moves. It sees the lock, which decides at once, and the
    age of the heartbeat, which is only as good as the two clocks agree.
    """
    return [judge(row, config, now) for row in read_processes()]


def judge(row: ProcessRow, config: Config, now: float) -> Process:
    """Tell a process's condition from its row and its lock."""
    folder = run_folder(config)
    if row.state == "lost" or (folder and is_lock_free(lock_path(folder, row.id))):
        condition = "dead"
    elif now - row.heartbeat_at > config.dead_after_seconds:
        condition = "stalled"
    else:
        condition = "draining" if row.state == "draining" else "alive"
    return Process(
        id=row.id,
        role=row.role,
        host=row.host,
        pid=row.pid,
        condition=condition,
        started_at=row.started_at,
        heartbeat_at=row.heartbeat_at,
        slots=row.slots,
        detail=row.detail,
    )
