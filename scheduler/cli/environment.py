"""What around the configuration must be right: folders, file systems, servers, and all refusals."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from socket import getaddrinfo
from zoneinfo import available_timezones

from scheduler.cli.disks import find_disk_faults, local_files, nearest_folder
from scheduler.cli.exposure import find_exposures
from scheduler.cli.queue_server import REACH_REMEDY, find_queue_fault
from scheduler.cli.refusals import find_refusals, try_in, why_no_database
from scheduler.config import Config
from scheduler.doorbell import bell_path
from scheduler.errors import MissingDriverError, SchedulerError, SchemaMissingError
from scheduler.sqlite_file import is_out_of_reach

_SECONDS = 5  # as long as the service itself waits for a server
# File systems whose locks or shared memory SQLite's WAL cannot rely on.
NETWORK_FILE_SYSTEMS = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "afs",
    "ceph",
    "gluster",
    "fuse.sshfs",
    "lustre",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of what is wrong; errors keep the service from working, refusals from starting."""

    text: str
    is_error: bool = True
    is_refusal: bool = False


def examine(config: Config) -> list[Finding]:
    """Return all findings; nothing is started, and nothing that exists is changed."""
    return [finding for look in _LOOKS for finding in look(config)]


def file_system_of(path: Path, mounts: str) -> str:
    """Return the type of the file system a path is on, given the text of /proc/mounts."""
    best, kind = "", ""
    for line in mounts.splitlines():
        _, point, found, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        is_above = point == "/" or path == Path(point) or Path(point) in path.parents
        if is_above and len(point) >= len(best):  # the later of two on one point hides the first
            best, kind = point, found
    return kind


def _scan_paths(config: Config) -> Iterator[Finding]:
    for path in config.scan_paths:
        if is_out_of_reach(path):
            yield Finding(f"scan_paths: {path} is in a folder that this user may not enter")
        elif not path.exists():
            yield Finding(f"scan_paths: {path} does not exist; create it or correct the path")
        elif not path.is_dir():
            yield Finding(f"scan_paths: {path} is not a folder; name the folder it is in")
        elif not os.access(path, os.R_OK | os.X_OK):
            yield Finding(f"scan_paths: {path} cannot be read by this user; see `ls -ld {path}`")


def _refusals(config: Config) -> Iterator[Finding]:
    for text in find_refusals(config):
        yield Finding(text, is_refusal=True)


def _files(config: Config) -> Iterator[Finding]:
    for key, path in local_files(config):
        yield from _network(key, nearest_folder(path))


def _exposures(config: Config) -> Iterator[Finding]:
    for text in find_exposures(config):
        yield Finding(text, is_error=False)


def _network(key: str, folder: Path) -> Iterator[Finding]:
    try:
        kind = file_system_of(folder.resolve(), Path("/proc/mounts").read_text())
    except OSError:
        return  # not Linux
    if kind.startswith(NETWORK_FILE_SYSTEMS):
        text = f"{key}: {folder} is on {kind}, where SQLite's WAL can be corrupted"
        yield Finding(f"{text}; use a local disk or PostgreSQL", is_error=False)


def _disks(config: Config) -> Iterator[Finding]:
    for fault in find_disk_faults(config):
        yield Finding(f"{fault.text}; {fault.remedy}")


def _doorbell(config: Config) -> Iterator[Finding]:
    folder = config.queue_path.parent
    if config.queue_url is not None or not os.access(folder, os.W_OK | os.X_OK):
        return
    bell = bell_path(config.queue_path)
    if os.path.exists(bell) and not bell.is_fifo():
        yield Finding(
            f"queue_path: {bell} is no FIFO, runs start up to 1 s late; remove it", is_error=False
        )
    if fault := try_in(folder, lambda trial: os.mkfifo(trial, 0o600), Path.unlink):
        text = f"queue_path: no FIFO in {folder} ({fault.strerror}); runs start up to 1 s late"
        yield Finding(text, is_error=False)


def _servers(config: Config) -> Iterator[Finding]:
    from scheduler.db.connection import close_database
    from scheduler.db.schema import open_existing

    if config.database_url is None and why_no_database(config.db_path):
        return  # a refusal tells
    try:
        open_existing(config, read_only=True)
    except (SchemaMissingError, MissingDriverError):
        return  # made by the first start, or told by a refusal
    except SchedulerError as error:
        yield Finding(str(error))
    finally:
        close_database()


def _queue_server(config: Config) -> Iterator[Finding]:
    if fault := find_queue_fault(config, _SECONDS):
        yield Finding(f"{fault}; {REACH_REMEDY}")


def _metrics_host(config: Config) -> Iterator[Finding]:
    if not config.metrics_port:
        return
    try:
        getaddrinfo(config.metrics_host, config.metrics_port)
    except OSError as error:
        text = f"metrics_host: {config.metrics_host} is no address here ({error.strerror})"
        yield Finding(f"{text}; name one of this machine's", is_error=False)


def _guards(_config: Config) -> Iterator[Finding]:
    from scheduler.executor.guards import missing_guards

    for guard in missing_guards():
        yield Finding(f"this system lacks a guard: {guard}", is_error=False)


def _time_zones(_config: Config) -> Iterator[Finding]:
    if not available_timezones():
        text = "this system has no time zones, only UTC works; pip install tzdata"
        yield Finding(text, is_error=False)


_LOOKS: tuple[Callable[[Config], Iterator[Finding]], ...] = (
    _scan_paths,
    _refusals,
    _exposures,
    _files,
    _disks,
    _doorbell,
    _servers,
    _queue_server,
    _metrics_host,
    _guards,
    _time_zones,
)
