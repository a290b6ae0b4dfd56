"""Stops the process that would report its end, then ends."""

import os
import signal
from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    os.kill(os.getppid(), signal.SIGSTOP)
    os._exit(3)
