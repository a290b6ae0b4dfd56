"""Never ends, in C, where no Python signal handler gets a turn."""

from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)
SOON = timedelta(seconds=1)


@schedule(HOURLY, timeout=SOON)
def run():
    sum(range(10**13))
