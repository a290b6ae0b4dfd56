"""Which schema this code knows: the names of its migrations."""

from pathlib import Path

from scheduler import migrations

MIGRATIONS_FOLDER = Path(migrations.__file__).parent


def known_versions() -> set[str]:
    """Return the names of all migrations that this code has."""
    return {path.stem for path in MIGRATIONS_FOLDER.glob("[0-9]*.py")}
