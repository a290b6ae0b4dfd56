"""Changes all that a process shares between its functions."""

import builtins
import os
import random
import sys
import time
from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    os.chdir("/")
    os.umask(0o777)
    os.environ.clear()
    sys.path.clear()
    random.seed(1)
    time.time = lambda: 0.0
    random.random = lambda: 4
    builtins.open = None
