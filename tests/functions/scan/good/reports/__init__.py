from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(hours=1))
def collect():
    pass
