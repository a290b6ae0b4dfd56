"""Reads address 0."""

import ctypes
from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    ctypes.string_at(0)
