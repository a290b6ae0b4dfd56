"""Messages of runs that were decided before their slots, until the slots come."""

from math import inf

from scheduler.db.messages import Message, Sends


class Outbox:
    """What is to be sent, by its instant."""

    def __init__(self) -> None:
        self._sends: Sends = {}

    @property
    def next_at(self) -> float:
        """The earliest instant, inf if nothing waits."""
        return min(self._sends, default=inf)

    def put(self, sends: Sends) -> int:
        """Keep messages until their instants; return how many."""
        for at, messages in sends.items():
            self._sends.setdefault(at, []).extend(messages)
        return sum(map(len, sends.values()))

    def take(self, now: float) -> list[Message]:
        """Take the messages whose instants have come, the earliest first."""
        instants = sorted(at for at in self._sends if at <= now)
        return [message for at in instants for message in self._sends.pop(at)]
