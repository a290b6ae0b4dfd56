"""Deletes the file it stands in while it runs."""

import os
from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    os.unlink(__file__)
    return "deleted"
