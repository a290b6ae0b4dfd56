"""Swallows every exception, also the one that asks it to end."""

import time
from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)
SOON = timedelta(seconds=1)


@schedule(HOURLY, timeout=SOON)
def run():
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass
