"""Holds more memory than max_rss_mb allows."""

from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    global held
    held = bytearray(300 * 1024 * 1024)
