"""The peer's ticker: a heap of next times; `task()` one by one for what is due."""

import heapq
import sys
import time

from tests.bench.peer_app import create_history, work


def tick_forever(
    count: int, first_at: float, step_seconds: float, interval_seconds: float, since_at: float
) -> None:
    """Enqueue function n at first_at + n·step + k·interval, from `since_at` on, until killed.

    That is when it was told to start: a burst must not be missed because that took a while.
    After a burst of 1000 or more, prints how many, when it began and when it had been enqueued.
    """
    heap = [
        (_next(first_at + number * step_seconds, interval_seconds, since_at), number)
        for number in range(count)
    ]
    heapq.heapify(heap)
    while True:
        time.sleep(max(heap[0][0] - time.time(), 0.0))
        began_at, fired = time.time(), 0
        while heap[0][0] <= began_at:
            slot_at, number = heap[0]
            heapq.heapreplace(heap, (slot_at + interval_seconds, number))
            work(number, slot_at)
            fired += 1
        if fired >= 1000:
            print(fired, repr(began_at), repr(time.time()), flush=True)


def _next(first_at: float, interval_seconds: float, since_at: float) -> float:
    missed = max(-((first_at - since_at) // interval_seconds), 0.0)
    return first_at + missed * interval_seconds


if __name__ == "__main__":
    if len(sys.argv) == 1:
        create_history()
    else:
        tick_forever(int(sys.argv[1]), *map(float, sys.argv[2:]))
