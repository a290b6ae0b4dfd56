"""Forgets all modules."""

import sys
from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    sys.modules.clear()
