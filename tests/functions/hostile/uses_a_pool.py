"""Works in a pool of processes of its own."""

import multiprocessing
from datetime import timedelta

from scheduler import schedule


def double(number):
    return 2 * number


@schedule(timedelta(hours=1))
def run():
    with multiprocessing.Pool(2) as pool:
        return sum(pool.map(double, range(10)))
