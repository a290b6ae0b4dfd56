"""Modules of the standard library that user code likes to import: once for many, when it does.

Whoever forks has them imported ahead for the next ones, but only those that one has imported: each
fork pays for all that is in memory.
"""

import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module

COMMON = frozenset(
    [
        "asyncio",
        "concurrent.futures",
        "csv",
        "dataclasses",
        "decimal",
        "email.message",
        "gzip",
        "hashlib",
        "http.client",
        "inspect",
        "pathlib",
        "shutil",
        "sqlite3",
        "ssl",
        "statistics",
        "subprocess",
        "tempfile",
        "urllib.request",
        "uuid",
        "zoneinfo",
        "cronsim",
        "scheduler.cron",
    ]
)


class Newcomers:
    """The common modules that this process, or one that it forks, imports from now on."""

    def __init__(self) -> None:
        self._absent = [name for name in COMMON if name not in sys.modules]
        self._count = len(sys.modules)

    def take(self) -> list[str]:
        """Return those that have come since the last time."""
        if len(sys.modules) == self._count:
            return []
        self._count = len(sys.modules)
        found = [name for name in self._absent if name in sys.modules]
        self._absent = [name for name in self._absent if name not in found]
        return found


def import_ahead(names: Iterable[str]) -> bool:
    """Import those of the names that are common, and no other; returns whether some were new."""
    wanted = [name for name in names if name in COMMON and name not in sys.modules]
    for name in wanted:
        with suppress(Exception):  # whoever needs it will be told
            import_module(name)
    return bool(wanted)
