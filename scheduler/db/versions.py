"""Which schema this code knows: the names of its migrations."""

import functools
from pathlib import Path

from scheduler import migrations

MIGRATIONS_FOLDER = Path(migrations.__file__).parent


@functools.cache  # asked every second; an upgrade replaces the process too
def known_versions() -> frozenset[str]:
    """Return the names of all migrations that this code has."""
    return frozenset(path.stem for path in MIGRATIONS_FOLDER.glob("[0-9]*.py"))
