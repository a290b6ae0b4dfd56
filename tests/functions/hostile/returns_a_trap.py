"""Returns an object whose repr raises."""

from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    class Trap:
        def __repr__(self):
            raise RuntimeError("no repr")

    return Trap()
