"""Prints what is no text: NUL, invalid UTF-8, lone surrogates, escape sequences."""

import os
import sys
from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    os.write(1, bytes(range(256)) * 100 + b"\xff\xfe\x00")
    sys.stdout.write("\ud800 \x1b[2J \x00\n")
    return "\ud800\x00"
