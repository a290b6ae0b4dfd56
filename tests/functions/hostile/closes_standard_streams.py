"""Closes descriptors 0 to 2."""

import os
from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    for fd in (0, 1, 2):
        os.close(fd)
