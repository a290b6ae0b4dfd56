"""`backup`: a copy of the live database in a new file."""

import shlex
from pathlib import Path

from scheduler.cli.context import Context
from scheduler.errors import EXIT_OK, UsageError
from scheduler.wording import size


def backup(context: Context) -> int:
    """Copy the SQLite database while the service goes on; PostgreSQL has its own tool for that."""
    from scheduler.db.backups import back_up

    target = Path(context.args.file).absolute()
    if context.config.database_url:
        place = context.config.database_label
        dump = shlex.join(["pg_dump", "--format=custom", f"--file={target}", place])
        raise UsageError(f"database_url: {place} is not a file; {dump}")
    context.open_database()
    size_bytes = back_up(context.config, target)
    context.screen.line(f"{target}: {size(size_bytes)}; docs/operating.md says how to restore it")
    return EXIT_OK
