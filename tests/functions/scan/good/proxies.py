"""Module members that refuse to be looked at."""

from datetime import timedelta

from scheduler import schedule


class Proxy:
    def __getattribute__(self, name):
        raise RuntimeError("working outside of a request")


request = Proxy()


@schedule(timedelta(minutes=1))
def run():
    pass
