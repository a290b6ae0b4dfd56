"""Lets other threads work while something long is looped over."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from scheduler.clock import sleep

Item = TypeVar("Item")
_ITEMS_AT_ONCE = 20
_PAUSE_SECONDS = 0.0005


def breathing(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items, pausing a moment after every twenty of them.

    Else turning 20,000 samples into text would hold the interpreter: a tick gives it away at each
    row that it writes, and would wait 5 ms to get it back, each time.
    """
    for number, item in enumerate(items, 1):
        yield item
        if number % _ITEMS_AT_ONCE == 0:
            sleep(_PAUSE_SECONDS)
