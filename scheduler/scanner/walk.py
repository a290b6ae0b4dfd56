"""Walks the scan paths and notes which Python files are there, without opening one."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scheduler.runner.complaint import FileError, complain
from scheduler.scanner.ignore import IGNORE_FILE, IgnorePattern, parse_ignore

_ENVIRONMENT_MARKS = frozenset({"pyvenv.cfg", "conda-meta"})
_DANGLING = "the link leads nowhere: remove it or restore its target"
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class FileState:
    """One file as the walk saw it; it has changed when any of this differs at the next walk."""

    scan_path: str
    module_path: str  # relative to scan_path
    mtime_ns: int
    size: int
    inode: int

    @property
    def path(self) -> str:
        return f"{self.scan_path}/{self.module_path}"


@dataclass(frozen=True, slots=True)
class Walk:
    """What one walk saw; two walks are equal when there is nothing new to import or to report.

    files: by absolute path. unreachable_paths: scan paths of which a part could not be listed.
    blocked_files: links whose target is missing, as (scan_path, module_path).
    """

    files: dict[str, FileState] = field(default_factory=dict)
    errors: list[FileError] = field(default_factory=list)
    unreachable_paths: set[str] = field(default_factory=set)
    blocked_files: set[tuple[str, str]] = field(default_factory=set)


def walk(scan_paths: Sequence[Path]) -> Walk:
    """List the Python files below the scan paths; faults become errors, nothing is raised.

    Left out: hidden files and folders, `__pycache__`, virtual environments, what `.schedulerignore`
    names. A file belongs to the nearest scan path above it. A link is followed only to what is not
    found otherwise, so that a function is found once and loops end.
    """
    return _Walker([os.path.abspath(path) for path in scan_paths]).walk()


@dataclass(frozen=True, slots=True)
class _Rules:
    """The patterns of one ignore file and how many names of a module path lead to its folder."""

    depth: int
    patterns: tuple[IgnorePattern, ...]


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder still to list; `below` is its path in the scan path, empty or with a final `/`."""

    scan_path: str
    below: str
    rules: tuple[_Rules, ...]

    @property
    def path(self) -> str:
        return f"{self.scan_path}/{self.below}"


class _Walker:
    def __init__(self, scan_paths: Sequence[str]) -> None:
        self._scan_paths = scan_paths
        self._seen = Walk()
        self._folder_ids: set[tuple[int, int]] = set()
        self._file_ids: set[tuple[int, int]] = set()
        self._links: list[tuple[_Folder, os.DirEntry[str]]] = []

    def walk(self) -> Walk:
        """Walk all that is really there first, then what is reached through links only."""
        for folder in list(self._roots()):
            self._descend(folder)
        while self._links:
            folder, entry = self._links.pop(0)
            self._take(folder, entry)
        return self._seen

    def _roots(self) -> Iterator[_Folder]:
        """Yield the usable scan paths; known before any is walked, so that none walks another."""
        for scan_path in self._scan_paths:
            try:
                found = os.stat(scan_path)
                names = set(os.listdir(scan_path))
            except OSError as error:
                self._unreachable(scan_path, scan_path, error)
                continue
            if names & _ENVIRONMENT_MARKS:
                self._environment(scan_path)
            elif self._is_new(self._folder_ids, found):
                yield _Folder(scan_path, "", ())

    def _descend(self, folder: _Folder) -> None:
        pending = [folder]
        while pending:
            current = pending.pop()
            pending.extend(reversed(list(self._list(current))))

    def _list(self, folder: _Folder) -> Iterator[_Folder]:
        """Note the files of one folder and yield the folders in it."""
        try:
            with os.scandir(folder.path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            if folder.below and isinstance(error, FileNotFoundError | NotADirectoryError):
                return  # removed since its parent was listed
            self._unreachable(folder.scan_path, folder.path, error)
            return
        names = {entry.name for entry in entries}
        if folder.below and names & _ENVIRONMENT_MARKS:
            return
        rules = self._read_rules(folder) if IGNORE_FILE in names else folder.rules
        if rules is None:
            return
        ruled = _Folder(folder.scan_path, folder.below, rules)
        for entry in entries:
            yield from self._sort_out(ruled, entry)

    def _sort_out(self, folder: _Folder, entry: os.DirEntry[str]) -> Iterator[_Folder]:
        name = entry.name
        if name.startswith(".") or name == "__pycache__":
            return
        if entry.is_symlink():
            self._links.append((folder, entry))
        elif entry.is_dir(follow_symlinks=False):
            below = self._enter(folder, entry)
            if below:
                yield below
        elif name.endswith(".py"):
            self._take_file(folder, entry)

    def _take(self, folder: _Folder, entry: os.DirEntry[str]) -> None:
        """Follow one link; one that leads nowhere may have led to a folder full of functions."""
        try:
            is_folder, is_file = entry.is_dir(), entry.is_file()
        except OSError:
            is_folder = is_file = False  # a loop of links
        if is_folder:
            below = self._enter(folder, entry)
            if below:
                self._descend(below)
        elif entry.name.endswith(".py"):
            self._take_file(folder, entry)
        elif not is_file and "." not in entry.name:
            self._miss_folder(folder, entry)

    def _miss_folder(self, folder: _Folder, entry: os.DirEntry[str]) -> None:
        path = folder.path + entry.name
        if not _is_ignored(folder, entry.name, is_folder=True) and not os.path.exists(path):
            self._seen.unreachable_paths.add(folder.scan_path)
            self._report(path, "FileNotFoundError", _DANGLING)

    def _enter(self, folder: _Folder, entry: os.DirEntry[str]) -> _Folder | None:
        if _is_ignored(folder, entry.name, is_folder=True):
            return None
        try:
            found = entry.stat()
        except FileNotFoundError:
            return None  # removed since its parent was listed
        except OSError as error:
            self._unreachable(folder.scan_path, folder.path + entry.name, error)
            return None
        if not self._is_new(self._folder_ids, found):
            return None
        return _Folder(folder.scan_path, f"{folder.below}{entry.name}/", folder.rules)

    def _take_file(self, folder: _Folder, entry: os.DirEntry[str]) -> None:
        if _is_ignored(folder, entry.name, is_folder=False):
            return
        path = folder.path + entry.name
        module_path = folder.below + entry.name
        try:
            found = entry.stat()
        except OSError as error:
            if entry.is_symlink():
                self._seen.blocked_files.add((folder.scan_path, module_path))
                self._report(path, type(error).__name__, _DANGLING)
            elif not isinstance(error, FileNotFoundError):  # else removed since it was listed
                self._unreachable(folder.scan_path, path, error)
            return
        if entry.is_symlink() and (found.st_dev, found.st_ino) in self._file_ids:
            return
        if not stat.S_ISREG(found.st_mode):
            self._report(path, "FileTypeError", "not a regular file: remove it or rename it")
        elif _UNPRINTABLE.search(module_path):
            problem = "its name has characters that cannot be printed: rename it"
            self._report(path, "FileNameError", problem)
        else:
            self._file_ids.add((found.st_dev, found.st_ino))
            self._seen.files[path] = FileState(
                folder.scan_path, module_path, found.st_mtime_ns, found.st_size, found.st_ino
            )

    def _read_rules(self, folder: _Folder) -> tuple[_Rules, ...] | None:
        """Return the rules that hold in this folder, None if its ignore file cannot be read."""
        path = folder.path + IGNORE_FILE
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            self._unreachable(folder.scan_path, path, error)
            return None
        patterns, refused = parse_ignore(text)
        for line, pattern in refused:
            problem = (
                f"line {line}: {pattern!r} is not understood: write a pattern without ! and \\"
            )
            self._report(path, "IgnorePatternError", problem, line)
        return (*folder.rules, _Rules(folder.below.count("/"), patterns))

    @staticmethod
    def _is_new(known: set[tuple[int, int]], found: os.stat_result) -> bool:
        identity = (found.st_dev, found.st_ino)
        if identity in known:
            return False
        known.add(identity)
        return True

    def _unreachable(self, scan_path: str, path: str, error: OSError) -> None:
        self._seen.unreachable_paths.add(scan_path)
        what = "the scan path" if path == scan_path else "it"
        remedy = {
            FileNotFoundError: f"{what} does not exist: create the folder or correct scan_paths",
            NotADirectoryError: f"{what} is a file: name the folder it is in in scan_paths",
            PermissionError: f"{what} may not be read: give the scheduler's user that right",
        }.get(type(error), f"{what} cannot be read: {error.strerror}")
        self._report(path, type(error).__name__, remedy)

    def _environment(self, scan_path: str) -> None:
        self._seen.unreachable_paths.add(scan_path)
        problem = "the scan path is a virtual environment: name the folder of your functions"
        self._report(scan_path, "NotADirectoryError", problem)

    def _report(self, path: str, error_type: str, message: str, line: int | None = None) -> None:
        printable = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", path)
        self._seen.errors.append(complain(printable, error_type, message, line=line))


def _is_ignored(folder: _Folder, name: str, *, is_folder: bool) -> bool:
    if not folder.rules:
        return False
    names = (*folder.below.split("/")[:-1], name)
    return any(
        pattern.matches(names[rules.depth :], is_folder=is_folder)
        for rules in folder.rules
        for pattern in rules.patterns
    )
