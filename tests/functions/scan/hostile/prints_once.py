from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(minutes=1))
def run():
    pass


print("hello")
