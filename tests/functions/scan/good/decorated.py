from datetime import timedelta

from decorating import logged

from scheduler import schedule


@logged
@schedule(timedelta(minutes=1))
def wrapped():
    pass


@schedule(timedelta(minutes=1))
def original():
    pass


copied = logged(original)
