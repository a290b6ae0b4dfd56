"""Ignores SIGTERM."""

import signal
import time
from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)
SOON = timedelta(seconds=1)


@schedule(HOURLY, timeout=SOON)
def run():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
