"""The disks under database and queue: full, or mounted read-only."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scheduler.config import Config

LEAST_FREE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class FileFault:
    """Why a file cannot be written to, and what to do; key: which, db_path for both on one disk.

    kind: disk, lock.
    """

    kind: str
    key: str
    text: str
    remedy: str

    @property
    def silenced(self) -> frozenset[str]:
        """The roles whose living processes cannot show that they live.

        A ticker that waits to send does not beat meanwhile; a worker's slots wait without it.
        """
        if self.key == "db_path":
            return frozenset({"ticker", "worker"})
        return frozenset({"ticker"} if self.kind == "lock" else ())


def local_files(config: Config) -> list[tuple[str, Path]]:
    """Return the SQLite files of a configuration with their keys."""
    files = [("db_path", config.db_path)] if config.database_url is None else []
    return files + ([("queue_path", config.queue_path)] if config.queue_url is None else [])


def nearest_folder(path: Path) -> Path:
    """Return the nearest folder above a path that exists."""
    return next(above for above in path.parents if os.path.exists(above))


def find_disk_faults(config: Config) -> Iterator[FileFault]:
    """Yield a fault for each disk that cannot be written to, once.

    A file system without blocks, such as /proc, is no disk that could be full.
    """
    folders = {nearest_folder(path): key for key, path in reversed(local_files(config))}
    for folder, key in folders.items():
        disk = os.statvfs(folder)
        if disk.f_flag & os.ST_RDONLY:
            text = f"{key}: {folder} is on a read-only file system"
            yield FileFault("disk", key, text, "mount it writable")
        elif disk.f_blocks and disk.f_bavail * disk.f_frsize < LEAST_FREE_BYTES:
            text = f"{key}: the disk of {folder} is full"
            remedy = "free some space, the service goes on by itself"
            yield FileFault("disk", key, text, remedy)
