"""Forks twice, so that a daemon in a session of its own holds the output pipe."""

import os
import time
from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                print("still here", flush=True)
                time.sleep(0.1)
        os._exit(0)
