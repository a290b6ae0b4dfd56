from datetime import timedelta

from scheduler import schedule


def make(minutes):
    @schedule(timedelta(minutes=minutes))
    def every():
        pass

    return every


first = make(1)
second = make(2)
