"""Never ends, in Python."""

from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)
SOON = timedelta(seconds=1)


@schedule(HOURLY, timeout=SOON)
def run():
    while True:
        pass
