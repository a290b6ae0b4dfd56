from datetime import timedelta

from scheduler import schedule


def careless(function):
    def wrapper():
        return function()

    return wrapper


@careless
@schedule(timedelta(minutes=1))
def lost():
    pass


@schedule(timedelta(minutes=1))
def kept():
    pass
