import ring_b

from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(minutes=1))
def a():
    return ring_b
