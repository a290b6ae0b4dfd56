"""Disk and load of this machine, one CSV line at a time."""

import csv
import os
import shutil
from datetime import UTC, datetime, timedelta

from places import data_file

from scheduler import schedule

COLUMNS = ("at", "load_1m", "disk_used_percent", "disk_free_gb")


@schedule(timedelta(seconds=10))
def disk_and_load() -> str:
    """Append load and disk usage to data/watch.csv."""
    path = data_file("watch.csv")
    disk = shutil.disk_usage(path.parent)
    row = (
        datetime.now(UTC).isoformat(timespec="seconds"),
        f"{os.getloadavg()[0]:.2f}",
        f"{100 * disk.used / disk.total:.1f}",
        f"{disk.free / 1e9:.1f}",
    )
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(COLUMNS)
        writer.writerow(row)
    print(f"load {row[1]}, disk {row[2]} % used, {row[3]} GB free")
    return path.name
