"""Raises an exception group."""

from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    raise ExceptionGroup("two", [ValueError("a"), TypeError("b")])
