"""Raises an exception whose str raises."""

from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    class Trap(Exception):
        def __str__(self):
            raise RuntimeError("no str")

    raise Trap
