"""Modules that user code likes to import: once for many, after one has.

Whoever forks imports them ahead for the next processes, but only those that one has imported: each
fork pays for all that is in memory.
"""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module

COMMON = (
    "asyncio",
    "concurrent.futures",
    "csv",
    "dataclasses",
    "decimal",
    "email.message",
    "gzip",
    "hashlib",
    "http.client",
    "pathlib",
    "shutil",
    "sqlite3",
    "ssl",
    "statistics",
    "tempfile",
    "urllib.request",
    "uuid",
    "zoneinfo",
    "cronsim",
    "scheduler.cron",
)
_OURS = {"cronsim", "scheduler.cron"}  # the others are of the standard library
_STDLIB = os.path.dirname(os.__file__) + os.sep


class Newcomers:
    """The common modules that are imported from now on, by this process or one that it forks."""

    def __init__(self) -> None:
        self._absent = [name for name in COMMON if name not in sys.modules]
        self._count = len(sys.modules)

    def take(self) -> list[str]:
        """Return those that have come since the last time, not others of their names."""
        with suppress(Exception):  # user code may have put anything into sys.modules
            return self._take()
        return []

    def _take(self) -> list[str]:
        if len(sys.modules) == self._count:
            return []
        self._count = len(sys.modules)
        found = [name for name in self._absent if name in sys.modules]
        self._absent = [name for name in self._absent if name not in found]
        return [name for name in found if name in _OURS or _is_of_stdlib(sys.modules[name])]


def import_ahead(names: Iterable[str], most: int | None = None) -> bool:
    """Import of these modules those that are common; returns whether some have come.

    most: how many at most.
    """
    wanted = [name for name in names if name in COMMON and name not in sys.modules]
    for name in wanted[:most]:
        with suppress(BaseException):  # whoever needs it will be told
            import_module(name)
    return any(name in sys.modules for name in wanted)


def _is_of_stdlib(module: object) -> bool:
    return str(getattr(module, "__file__", "")).startswith(_STDLIB)
