"""Raises KeyboardInterrupt."""

from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    raise KeyboardInterrupt
