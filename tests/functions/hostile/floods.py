"""Writes gigabytes: HOSTILE_MEGABYTES of them, else 64 MB."""

import os
from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    line = b"x" * 1023 + b"\n"
    for _ in range(int(os.environ.get("HOSTILE_MEGABYTES", "64"))):
        os.write(1, line * 1024)
