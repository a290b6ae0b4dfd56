"""Relative and sibling imports, async, cron."""

from scheduler import schedule

from . import collect
from .layout import TITLE


@schedule(cron="0 7 * * MON-FRI", timezone="Europe/Berlin")
async def send():
    return TITLE
