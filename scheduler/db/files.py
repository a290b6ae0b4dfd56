"""The database's files on disk: who they are, and making them for their owner alone."""

import os
from pathlib import Path

from scheduler.errors import DatabaseUnavailableError


def file_identity(path: Path) -> tuple[int, int] | None:
    """Return (device, inode) of a path, None when there is nothing."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def create_private_file(path: Path) -> None:
    """Make an empty file that only its owner can read, unless it exists."""
    if file_identity(path) is not None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise DatabaseUnavailableError(
            f"{path}: cannot be created ({error.strerror}); check db_path and the folder's owner"
        ) from error
