"""Source files of users as this process knows them: their stamps, hashes and compiled code."""

import os
import warnings
from contextlib import suppress
from importlib import import_module
from types import CodeType
from typing import Any, NamedTuple

Stamp = tuple[int, int, int, int]  # mtime_ns, ctime_ns, size, inode
_MOST_FILES = 1_000
_MOST_BYTES = 200_000  # of a file; what takes long to compile would keep a call waiting
_NEW_SECONDS = 0.1  # far more than the steps of a file system's clock

_compiled: dict[str, "Compiled"] = {}


class Compiled(NamedTuple):
    """A file as it was read; no code if there is none without a warning or an error."""

    stamp: Stamp
    source_hash: str
    code: CodeType | None


def stamp_of(path: str) -> Stamp | None:
    """Return what tells a changed file, None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)


def hash_source(source: bytes) -> str:
    """Return the hash that identifies the content of a source file."""
    digest: str = _sha256(source).hexdigest()
    return digest


def compile_ahead(path: str, now: float) -> None:
    """Compile a file, without executing it, for the processes that this one forks.

    Not yet if it has just been changed: another change might not be told from it.
    """
    stamp = stamp_of(path)
    if stamp is None or is_known(path, stamp):
        return
    if abs(now - stamp[1] / 1e9) < _NEW_SECONDS or stamp[2] > _MOST_BYTES:
        return
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError:
        return
    if len(_compiled) >= _MOST_FILES:
        _compiled.clear()
    _compiled[path] = Compiled(stamp, hash_source(source), _compile(source, path))


def is_known(path: str, stamp: Stamp) -> bool:
    """Tell whether a file was compiled ahead, or could not be, as it is now."""
    known = _compiled.get(path)
    return known is not None and known.stamp == stamp


def find_compiled(path: str) -> Compiled | None:
    """Return a file that was compiled ahead and has not changed since."""
    known = _compiled.get(path)
    if known is None or known.code is None or stamp_of(path) != known.stamp:
        return None
    return known


def _find_sha256() -> Any:
    """Return a constructor of hashes; hashlib's last: it loads OpenSSL, which each fork pays."""
    for name in ("_sha2", "_sha256"):  # CPython from 3.12 on, and before
        with suppress(ImportError):
            return import_module(name).sha256
    return import_module("hashlib").sha256


_sha256 = _find_sha256()


def _compile(source: bytes, path: str) -> CodeType | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a run whose file has one is to show it
        try:
            return compile(source, path, "exec", dont_inherit=True)
        except Exception:  # noqa: BLE001 - the run that imports it tells which
            return None
