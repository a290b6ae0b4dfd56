import os

from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(minutes=1))
def run():
    pass


block = bytes(1_000_000)
for _ in range(40):
    os.write(1, block)
