"""Ends its process without a word."""

import os
from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    os._exit(3)
