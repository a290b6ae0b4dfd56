"""Functions that use several processes."""

import multiprocessing
import time


def double(number):
    return 2 * number


def pool(method):
    with multiprocessing.get_context(method).Pool(2) as workers:
        result = workers.map(double, [1, 2, 3])
        workers.close()
        workers.join()
    return result


def fork():
    return pool("fork")


def spawn():
    return pool("spawn")


def terminates_a_child():
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(1000,))
    child.start()
    child.terminate()
    child.join()
    return child.exitcode
