import ring_a

from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(minutes=1))
def b():
    return ring_a
