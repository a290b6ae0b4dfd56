"""Old files go: the daily broom of every server, here with a shorter memory."""

import time
from datetime import timedelta

from places import data_file

from scheduler import schedule

KEEP_FOR = timedelta(minutes=10)


@schedule(timedelta(seconds=20), jitter=timedelta(seconds=3))
def delete_old_reports() -> int:
    """Delete the files in data/reports that nobody has touched for ten minutes."""
    folder = data_file("reports", "*").parent
    files = [path for path in folder.iterdir() if path.is_file()]
    oldest_kept = time.time() - KEEP_FOR.total_seconds()
    old = [path for path in files if path.stat().st_mtime < oldest_kept]
    for path in old:
        path.unlink(missing_ok=True)
        print(f"deleted {path.name}")
    print(f"{len(old)} deleted, {len(files) - len(old)} kept")
    return len(old)
