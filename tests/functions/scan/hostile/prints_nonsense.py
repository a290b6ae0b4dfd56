import os

from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(minutes=1))
def run():
    pass


os.write(1, b"red \x1b[31m \xff\n")
