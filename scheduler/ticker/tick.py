"""One evaluation at one `now`: due functions → pure decisions → one transaction → messages."""

from scheduler.clock import Clock
from scheduler.crashpoints import crash_point
from scheduler.db import poison, ticks
from scheduler.db.messages import Message
from scheduler.errors import DatabaseUnavailableError
from scheduler.logs import event
from scheduler.policy import AHEAD_SECONDS, DueFunction, decide, is_settled
from scheduler.queue import RunQueue


class Ticker:
    """Decides due slots and enqueues their runs; any number of tickers may do so at once."""

    def __init__(self, queue: RunQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock

    def tick(self, now: float) -> int:
        """Decide every slot that is due at `now`, batch by batch; return how many runs were sent.

        The first batch is small, so that workers start while the rest is still being decided.
        """
        total, limit = 0, ticks.FIRST_BATCH
        while due := ticks.fetch_due_functions(now, limit):
            total += self._send(_decide_batch(due, now))
            if len(due) < limit:
                break
            limit = ticks.BATCH
        return total

    def tick_ahead(self, due_at: float) -> int:
        """Decide a first batch of slots before they are due, and send its runs when they are.

        `due_at` is the earliest next slot. What can still change until then is left to the tick.
        """
        due = ticks.fetch_due_functions(due_at, ticks.FIRST_BATCH)
        messages = _decide_batch([one for one in due if is_settled(one)], due_at)
        if messages:
            self._clock.sleep_until(due_at, at_most_seconds=AHEAD_SECONDS)
        return self._send(messages)

    def _send(self, messages: list[Message]) -> int:
        crash_point("tick.unsent")
        self._queue.send(messages)
        crash_point("tick.sent")
        return len(messages)


def _decide_batch(due: list[DueFunction], now: float) -> list[Message]:
    try:
        return _decide_together(due, now)
    except DatabaseUnavailableError:
        raise
    except Exception:  # noqa: BLE001 - one function's fault must not stop the others: find it
        return [message for function in due for message in _decide_alone(function, now)]


def _decide_together(due: list[DueFunction], now: float) -> list[Message]:
    return ticks.record_tick([(function, decide(function, now)) for function in due], now)


def _decide_alone(function: DueFunction, now: float) -> list[Message]:
    """Decide one function of a batch that failed; the culprit is recorded and postponed."""
    try:
        return _decide_together([function], now)
    except DatabaseUnavailableError:
        raise
    except Exception as error:  # noqa: BLE001 - the poison row
        event("tick.poison", "error", function=function.name, error=error)
        poison.postpone(function, error, now)
        return []
