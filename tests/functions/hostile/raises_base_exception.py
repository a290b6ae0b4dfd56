"""Raises what `except Exception` does not catch."""

from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    raise BaseException("base")
