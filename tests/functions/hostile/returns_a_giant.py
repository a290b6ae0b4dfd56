"""Returns an object whose repr is 1 GB."""

from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    class Giant:
        def __repr__(self):
            return "x" * 2**30

    return Giant()
