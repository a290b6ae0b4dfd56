"""`backup`: a copy of the live database in a new file."""

import shlex
from pathlib import Path

from scheduler.cli.context import Context
from scheduler.errors import EXIT_OK, UsageError
from scheduler.redaction import url_without_password
from scheduler.wording import size


def backup(context: Context) -> int:
    """Copy the SQLite database while the service goes on; PostgreSQL has its own tool for that."""
    from scheduler.db.backups import back_up

    target = Path(context.args.file).absolute()
    if context.config.database_url:
        url = url_without_password(context.config.database_url)
        dump = shlex.join(["pg_dump", "--format=custom", f"--file={target}", url])
        raise UsageError(f"database_url: a server's database is no file to be copied; {dump}")
    context.open_database()
    size_bytes = back_up(context.config, target)
    context.screen.line(f"{target}: {size(size_bytes)}; docs/operating.md says how to restore it")
    return EXIT_OK
