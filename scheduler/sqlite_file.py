"""A SQLite file as one process has it open: private, and watched for being replaced."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path
from typing import Literal
from urllib.parse import quote

# 40 MB: a checkpoint syncs the disk, and the same few pages change with every run. A ticker's
# thread makes them earlier (`maintenance.checkpoints`), so that commits need not.
CHECKPOINT_PAGES = 10_000
LOG_LIMIT_BYTES = 16 * 1024 * 1024  # a log that is begun anew gives back what is beyond it
SIDES = ("-wal", "-shm")
Identity = tuple[int, int]


class SqliteFile:
    """The file at `path` with the log and the index beside it; looked at by `stat` only.

    Opening and closing any of the three would drop SQLite's own locks on them. An inode that is
    open is not given to another file, so equal identities are the same file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # As text: they are looked at every second, and a Path would be turned into text each time.
        self._main = str(path)
        self._sides = tuple(self._main + side for side in SIDES)
        self._known: dict[str, Identity] = {}
        self._had_content = False

    @property
    def is_watched(self) -> bool:
        """Whether it was remembered, and not forgotten since."""
        return bool(self._known)

    def create(self) -> None:
        """Make an empty file that only its owner can read, unless there is one. Raises OSError.

        What a deleted file left beside it goes: SQLite would take it for the new one's.
        """
        if file_identity(self.path) is not None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._one_at_a_time():  # of several who find it missing one makes it
            if file_identity(self.path) is None:
                _remove(*self._sides)
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))

    def remember(self) -> None:
        """Take what stands at the path now for what is open."""
        self._known, self._had_content = {}, False
        self._note()

    def was_replaced(self) -> bool:
        """Tell whether a file that was remembered was deleted, replaced or emptied."""
        found = _look(self._main)
        has_content = bool(found and found.st_size)
        if self._had_content and not has_content:
            return True
        if not self._known:
            return False
        here = {self._main: _identity(found)} | {side: file_identity(side) for side in self._sides}
        if any(here[path] != known for path, known in self._known.items()):
            return True
        self._known.update({path: new for path, new in here.items() if new})
        self._had_content = self._had_content or has_content
        return False

    def forget(self) -> None:
        """Remove what is left of the file that is open; call it before it is closed.

        A file that was emptied goes, and log and index of one that is not there any more: whoever
        opened the file that follows would use them. Nothing that holds data is removed.
        """
        if self._is_known(self._main) and self._had_content and self._is_empty():
            _remove(self._main)
        if self._known and not self._is_known(self._main):
            _remove(*filter(self._is_known, self._sides))
        self._known = {}

    def set_aside(self) -> str | None:
        """Rename the remembered file with its log, whatever they hold; return its new name.

        It may never have been ours: a path may be misspelt. None if it is not there any more:
        another process was quicker. A file that was set aside before is left alone.
        """
        with self._one_at_a_time():
            if not self._is_known(self._main):
                return None
            aside = _unused(f"{self._main}.damaged")
            os.rename(self._main, aside)
            for side in SIDES:
                with suppress(FileNotFoundError):
                    os.rename(self._main + side, aside + side)
        return aside

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        folder_fd = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder_fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder_fd)

    def _note(self) -> None:
        for path in (self._main, *self._sides):
            if path not in self._known and (identity := file_identity(path)):
                self._known[path] = identity
        self._had_content = self._had_content or not self._is_empty()

    def _is_known(self, path: str) -> bool:
        return path in self._known and file_identity(path) == self._known[path]

    def _is_empty(self) -> bool:
        found = _look(self._main)
        return not (found and found.st_size)


def sqlite_address(path: Path, mode: Literal["ro", "rw"]) -> str:
    """Return what `sqlite3.connect(..., uri=True)` takes for a file that it shall not make."""
    return f"file:{quote(os.fsencode(path))}?mode={mode}"  # a path need not be UTF-8


def file_identity(path: str | Path) -> Identity | None:
    """Return (device, inode) of a path, None when there is nothing."""
    return _identity(_look(path))


def is_out_of_reach(path: str | Path) -> bool:
    """Tell whether this user may not even see what there is: a folder above it is closed."""
    try:
        os.stat(path)
    except OSError as error:
        return error.errno == errno.EACCES
    return False


def _look(path: str | Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _identity(found: os.stat_result | None) -> Identity | None:
    return found and (found.st_dev, found.st_ino)


def _unused(path: str) -> str:
    later = (f"{path}-{number}" for number in count(2))
    return next(name for name in chain([path], later) if not os.path.lexists(name))


def _remove(*paths: str) -> None:
    for path in paths:
        with suppress(FileNotFoundError):
            os.unlink(path)
