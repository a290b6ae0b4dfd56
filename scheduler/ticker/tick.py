"""One evaluation at one `now`: due functions → pure decisions → one transaction → messages."""

from math import inf
from typing import NamedTuple

from scheduler.clock import Clock
from scheduler.crashpoints import crash_point
from scheduler.db import poison, ticks
from scheduler.db.due import BATCH, FIRST_BATCH, fetch_due_functions
from scheduler.db.messages import Message
from scheduler.errors import DatabaseUnavailableError
from scheduler.logs import event
from scheduler.maintenance.unread import Unread
from scheduler.policy import AHEAD_SECONDS, DueFunction, decide, is_settled
from scheduler.queue import RunQueue
from scheduler.ticker.outbox import Outbox


class Ticked(NamedTuple):
    """What a tick did: how many `functions` have moved on, and how many `runs` are to be sent."""

    functions: int
    runs: int


class Ticker:
    """Decides due slots and enqueues their runs; any number of tickers may do so at once.

    A slot that is about to come is decided ahead where nothing can change that until then: its row
    is there when it comes, and only its message is left to be sent.
    """

    def __init__(self, queue: RunQueue, unread: Unread, clock: Clock) -> None:
        self._queue = queue
        self._unread = unread
        self._clock = clock
        self._outbox = Outbox()
        self.seen: set[float] = set()
        """The slots of the last tick; what is left of them could not be decided ahead."""

    @property
    def next_send_at(self) -> float:
        """When the next slot comes that was decided ahead, inf if there is none."""
        return self._outbox.next_at

    def tick(self, now: float) -> Ticked:
        """Decide every slot that is due at `now` or about to come.

        The first batch is small, so that workers start while the rest is still being decided. After
        one whose rows others hold (on a server) it looks beyond them.
        """
        functions = runs = 0
        limit = FIRST_BATCH + len(self._unread.ids)
        while True:
            found = fetch_due_functions(now + AHEAD_SECONDS, limit)
            done = self._decide([one for one in found if self._is_ripe(one, now)], now)
            functions, runs = functions + done.functions, runs + done.runs
            self.send_due(now)
            if len(found) < limit or found[-1].next_run_at > now:
                self.seen = {one.next_run_at for one in found}
                return Ticked(functions, runs)
            limit = BATCH if done.functions else 2 * limit

    def send_due(self, now: float) -> None:
        """Send the runs whose slots have come."""
        self._send(self._outbox.take(now))

    def send_rest(self) -> None:
        """Wait for the slots that were decided ahead, and send their runs."""
        while (at := self._outbox.next_at) < inf:
            self._clock.sleep_until(at, at_most_seconds=AHEAD_SECONDS)
            self.send_due(at)

    def _is_ripe(self, due: DueFunction, now: float) -> bool:
        return (due.next_run_at <= now or is_settled(due)) and due.id not in self._unread.ids

    def _decide(self, due: list[DueFunction], now: float) -> Ticked:
        try:
            return self._keep(_decide_together(due, now))
        except DatabaseUnavailableError:
            raise
        except Exception:  # noqa: BLE001 - one function's fault must not stop the others: find it
            # Each is kept at once: it is recorded, whatever happens to the next one.
            each = [self._keep(_decide_alone(function, now)) for function in due]
            return Ticked(sum(one.functions for one in each), sum(one.runs for one in each))

    def _keep(self, recorded: ticks.Recorded) -> Ticked:
        return Ticked(recorded.functions, self._outbox.put(recorded.sends))

    def _send(self, messages: list[Message]) -> None:
        if not messages:
            return
        crash_point("tick.unsent")
        self._queue.send(messages)
        crash_point("tick.sent")


def _decide_together(due: list[DueFunction], now: float) -> ticks.Recorded:
    decided = [(function, decide(function, max(now, function.next_run_at))) for function in due]
    return ticks.record_tick(decided, now)


def _decide_alone(function: DueFunction, now: float) -> ticks.Recorded:
    """Decide one function of a batch that failed; the culprit is recorded and postponed."""
    try:
        return _decide_together([function], now)
    except DatabaseUnavailableError:
        raise
    except Exception as error:  # noqa: BLE001 - the poison row
        event("tick.poison", "error", function=function.name, error=error)
        poison.postpone(function, error, now)
        return ticks.Recorded(1, {})
