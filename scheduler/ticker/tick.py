"""One evaluation at one `now`: due functions → pure decisions → one transaction → messages."""

from scheduler.crashpoints import crash_point
from scheduler.db import poison, ticks
from scheduler.errors import DatabaseUnavailableError
from scheduler.logs import event
from scheduler.policy import DueFunction, decide
from scheduler.queue import RunQueue


class Ticker:
    """Decides due slots and enqueues their runs; any number of tickers may do so at once."""

    def __init__(self, queue: RunQueue) -> None:
        self._queue = queue

    def tick(self, now: float) -> int:
        """Decide every slot that is due at `now`, batch by batch; return how many runs were sent.

        The first batch is small, so that workers start while the rest is still being decided.
        """
        total, limit = 0, ticks.FIRST_BATCH
        while due := ticks.fetch_due_functions(now, limit):
            total += self._decide_batch(due, now)
            if len(due) < limit:
                break
            limit = ticks.BATCH
        return total

    def warm_up(self, due_at: float) -> None:
        """Read, for nothing, what the next tick will read: it must not wait for cold caches."""
        ticks.fetch_due_functions(due_at, ticks.FIRST_BATCH)

    def _decide_batch(self, due: list[DueFunction], now: float) -> int:
        try:
            messages = _decide_together(due, now)
        except DatabaseUnavailableError:
            raise
        except Exception:  # noqa: BLE001 - one function's fault must not stop the others: find it
            messages = [message for function in due for message in _decide_alone(function, now)]
        crash_point("tick.unsent")
        self._queue.send(messages)
        crash_point("tick.sent")
        return len(messages)


def _decide_together(due: list[DueFunction], now: float) -> list[tuple[int, int]]:
    return ticks.record_tick([(function, decide(function, now)) for function in due], now)


def _decide_alone(function: DueFunction, now: float) -> list[tuple[int, int]]:
    """Decide one function of a batch that failed; the culprit is recorded and postponed."""
    try:
        return _decide_together([function], now)
    except DatabaseUnavailableError:
        raise
    except Exception as error:  # noqa: BLE001 - the poison row
        event("tick.poison", "error", function=function.name, error=error)
        poison.postpone(function, error, now)
        return []
