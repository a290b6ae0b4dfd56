"""Keeps the servers' drivers out of processes that talk to no server."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_DRIVERS = {"psycopg": "postgres", "psycopg2": "postgres", "redis": "redis"}


@contextmanager
def only_drivers_for(*urls: str | None) -> Iterator[None]:
    """While peewee and Huey are imported, let them find only the drivers of these URLs.

    They import every driver that is installed: 13 MB in each process. What is imported later, or
    was before, is not affected.
    """
    schemes = tuple(url.partition(":")[0] for url in urls if url)
    hidden = [
        name
        for name, prefix in _DRIVERS.items()
        if name not in sys.modules and not any(scheme.startswith(prefix) for scheme in schemes)
    ]
    try:
        sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: no such module
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
