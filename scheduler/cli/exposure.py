"""What other users of this machine may read or change, and should not."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from scheduler.cli.disks import local_files, nearest_folder
from scheduler.config import Config
from scheduler.redaction import without_password


def find_exposures(config: Config) -> Iterator[str]:
    """Yield one line, with its remedy, for each; for every scan path the first place only."""
    for path in config.scan_paths:
        if found := next(_writable_in(path), None):
            text = f"scan_paths: everybody may write to {found}, so everybody may run code here"
            yield f"{text}; chmod o-w {found}"
    for path in (config.path, config.path.parent) if config.path else ():
        if _may_be_replaced(path):
            text = f"configuration: everybody may write to {path}, so everybody may run code here"
            yield f"{text}; chmod o-w {path}"
    if config.path and _mode(config.path) & stat.S_IROTH:
        for key in _passwords_in(config, config.path):
            text = f"{key}: everybody may read its password in {config.path}"
            yield f"{text}; chmod 600 {config.path}"
    told = set()
    for key, path in local_files(config):
        folder = nearest_folder(path)
        if folder not in told and _may_be_replaced(folder):
            told.add(folder)
            text = f"{key}: everybody may write to {folder} and so spoil the record"
            yield f"{text}; chmod o-w {folder}"
        if os.path.isfile(path) and _mode(path) & (stat.S_IRWXG | stat.S_IRWXO):
            text = f"{key}: other users may open {path}, which holds what functions print"
            yield f"{text}; chmod 600 {path}"


def _writable_in(scan_path: Path) -> Iterator[Path]:
    """Yield what everybody may write to of a scan path: itself, its folders, its Python files."""
    for folder, names, files in os.walk(scan_path):
        names[:] = [name for name in names if not name.startswith(".")]
        code = [name for name in files if name.endswith(".py")]
        paths = [Path(folder), *(Path(folder, name) for name in code)]
        yield from (path for path in paths if _mode(path) & stat.S_IWOTH)


def _passwords_in(config: Config, file: Path) -> Iterator[str]:
    """Yield the keys whose URL stands in the file with a password."""
    text = file.read_text(encoding="utf-8", errors="replace")
    for key, url in (("database_url", config.database_url), ("queue_url", config.queue_url)):
        if url and url in text and without_password(url, url) != url:
            yield key


def _may_be_replaced(path: Path) -> bool:
    """Tell whether others may write to a file, or may replace the files in a folder."""
    mode = _mode(path)
    is_sticky = stat.S_ISDIR(mode) and mode & stat.S_ISVTX
    return bool(mode & stat.S_IWOTH) and not is_sticky


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0  # what cannot be seen is told elsewhere
