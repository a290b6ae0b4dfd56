"""What keeps the service from starting at all: told in one line each, with exit code 2.

Starting again does not mend any of it, so nothing may loop over it.
"""

import errno
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scheduler.cli.disks import local_files, nearest_folder
from scheduler.config import Config
from scheduler.db.versions import ANY_HISTORY, HISTORY_TABLE, describe_foreign, foreign_table
from scheduler.errors import ConfigError
from scheduler.sqlite_file import SIDES, sqlite_address

LEAST_SQLITE = (3, 35, 0)  # RETURNING
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) != 'sqlite_'"
_NOT_HUEYS = f"""
    {_TABLES} AND NOT (
        name IN ('counter', 'kv', 'schedule', 'task')
        AND EXISTS (SELECT 1 FROM pragma_table_info(sqlite_master.name) WHERE name = 'queue')
    )
"""
_POSTGRES = ("psycopg", "postgres")


def find_refusals(config: Config) -> list[str]:
    """Return one line for each; nothing is started or changed."""
    return [text for look in _LOOKS for text in look(config)]


def demand_to_start(config: Config) -> None:
    """Make the folders of the SQLite files; raises ConfigError with all that is in the way."""
    problems = find_refusals(config) or list(_make_folders(config))
    if problems:
        place = config.path or "environment"
        raise ConfigError([f"{place}: {problem}" for problem in problems])


def try_in(
    folder: Path, make: Callable[[Path], object], undo: Callable[[Path], object]
) -> OSError | None:
    """Make something in a folder and take it away; return what is in the way."""
    trial = folder / f".scheduler-check-{os.getpid()}"
    try:
        make(trial)
        undo(trial)
    except OSError as error:
        return error
    return None


def why_no_database(path: Path) -> str | None:
    """Say why a file cannot become or stay a SQLite file; None if nothing is in the way.

    Not for a process that has it open: to close it here would drop SQLite's locks.
    """
    return _fault_of(path) or _why_foreign(path)


def missing_drivers(config: Config) -> Iterator[str]:
    """Yield a line for each server whose driver is not installed."""
    for key, url in (("database_url", config.database_url), ("queue_url", config.queue_url)):
        package, extra = ("redis", "redis") if (url or "").startswith("redis") else _POSTGRES
        if url is not None and find_spec(package) is None:
            remedy = f"pip install 'slotkeeper[{extra}]'"
            yield f"{key}: the package {package} is not installed; {remedy}"


def _metrics(config: Config) -> Iterator[str]:
    if config.metrics_port and find_spec("prometheus_client") is None:
        remedy = "pip install 'slotkeeper[metrics]'"
        yield f"metrics_port: the package prometheus-client is not installed; {remedy}"


def _files(config: Config) -> Iterator[str]:
    told = set()  # by default both files are in one folder: its fault is told once
    for key, path in local_files(config):
        fault = _fault_of(path)
        if fault and fault not in told:
            told.add(fault)
            yield f"{key}: {path}: {fault}; correct {key}, or its folder"
    if config.database_url is None and (reason := _why_foreign(config.db_path)):
        yield f"db_path: {config.db_path}: {reason}"
    if config.queue_url is None and (table := _foreign_in_queue(config.queue_path)):
        yield f"queue_path: {config.queue_path}: {describe_foreign('queue_path', table)}"


def _fault_of(path: Path) -> str | None:
    folder = nearest_folder(path)
    if os.path.isdir(path):  # unlike its own method it never raises
        return "is a folder, not a file in one"
    if not os.path.isdir(folder):
        return f"its folder {path.parent} cannot be made, {folder} is a file"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"its folder {folder} is not writable by this user"
    if reason := _why_no_folder(path.parent):
        return f"its folder {path.parent} cannot be made ({reason})"
    if os.path.isdir(path.parent) and (reason := _why_no_file(path.parent)):
        return f"no file can be made in {path.parent} ({reason})"
    if _is_closed(path):
        return f"the file is not writable by this user, see `ls -l {path}`"
    # SQLite makes them with the mode of the file, and they keep it when that is mended.
    closed = [side for end in SIDES if _is_closed(side := path.with_name(path.name + end))]
    if closed:
        return f"not writable by this user beside it, see `ls -l {' '.join(map(str, closed))}`"
    return None


def _is_closed(path: Path) -> bool:
    return os.path.exists(path) and not os.access(path, os.R_OK | os.W_OK)


def _why_foreign(path: Path) -> str | None:
    """Say that a file is no database, or not ours, and the remedy; SQLite fills an empty one."""
    try:
        # In this order: another process may be making the tables and their history just now.
        has_history = HISTORY_TABLE in _ask(path, _TABLES) and bool(_ask(path, ANY_HISTORY))
        tables = _ask(path, _TABLES)
    except sqlite3.Error as error:
        if "not a database" not in str(error):
            return None  # it cannot be read now: whoever opens it tells
        remedy = "correct db_path, or restore a backup, or move it away and a new one is made"
        return f"the file is not a database; {remedy}"
    table = foreign_table(tables, has_history=has_history)
    return None if table is None else describe_foreign("db_path", table)


def _foreign_in_queue(path: Path) -> str | None:
    with suppress(sqlite3.Error):  # what is no database is set aside
        return min(_ask(path, _NOT_HUEYS), default=None)
    return None


def _ask(path: Path, sql: str) -> list[Any]:
    """Return the first column of a SQLite file's answer; raises sqlite3.Error.

    Opened by the service's own way it would become a WAL file, and be written to. Without a log
    beside it, it is taken as it stands, so that this one leaves no log there either.
    """
    address = sqlite_address(path, "ro")
    if not os.path.exists(f"{path}-wal"):
        address += "&immutable=1"
    with closing(sqlite3.connect(address, uri=True, timeout=0)) as connection:
        return [value for (value,) in connection.execute(sql)]


def _why_no_folder(wanted: Path) -> str | None:
    """Say why a folder that is not there cannot be made; tried under another name, then removed."""
    if os.path.exists(wanted):
        return None
    fault = try_in(nearest_folder(wanted), lambda trial: trial.mkdir(mode=0o700), Path.rmdir)
    return fault.strerror if fault else None


def _why_no_file(folder: Path) -> str | None:
    """Say why no file can be made in a folder that is said to be writable, as /proc is to root.

    A full disk is no reason: the service waits for space.
    """
    fault = try_in(folder, lambda trial: trial.touch(0o600, exist_ok=False), Path.unlink)
    return None if fault is None or fault.errno in _NO_SPACE else fault.strerror


def _make_folders(config: Config) -> Iterator[str]:
    folders = {path.parent: (key, path) for key, path in reversed(local_files(config))}
    for key, path in folders.values():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"its folder {path.parent} cannot be made ({error.strerror})"
            yield f"{key}: {path}: {reason}; correct {key}, or make the folder"


def _sqlite(config: Config) -> Iterator[str]:
    if local_files(config) and sqlite3.sqlite_version_info < LEAST_SQLITE:
        least = ".".join(map(str, LEAST_SQLITE))
        text = f"SQLite {sqlite3.sqlite_version} is too old; {least} or newer is needed"
        yield f"{text}: use a newer Python or PostgreSQL"


def _preload(config: Config) -> Iterator[str]:
    """Only whether they exist: to import one is the zygote's affair, not of who holds a database.

    They are sought as the zygote does, which sees neither the current folder nor the scan paths:
    what it imported would go on running after an edit.
    """
    known = list(sys.path)
    if not sys.flags.safe_path:
        del sys.path[0]
    try:
        for name in config.preload:
            if not _exists(name.partition(".")[0]):
                yield f"preload: there is no module {name}; install it or take it out" + (
                    _why_not_below(config, name)
                )
    finally:
        sys.path[:] = known


def _exists(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _why_not_below(config: Config, name: str) -> str:
    parts = name.split(".")
    places = [folder.joinpath(*parts) for folder in config.scan_paths]
    is_helper = any(place.is_dir() or place.with_suffix(".py").exists() for place in places)
    return " (files below scan_paths are never preloaded: edits must take effect)" * is_helper


_LOOKS: tuple[Callable[[Config], Iterator[str]], ...] = (
    _files,
    _sqlite,
    _preload,
    missing_drivers,
    _metrics,
)
