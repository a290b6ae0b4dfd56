"""The queue in a sorted set of a Redis server."""

from collections.abc import Sequence

from huey.storage import PriorityRedisStorage

from scheduler.clock import SystemClock
from scheduler.storages.sharing import share


class BulkRedisStorage(PriorityRedisStorage):  # type: ignore[misc]
    """Huey's priority queue on Redis with a bulk enqueue."""

    def dequeue(self) -> bytes | None:
        """Take the message of the highest priority, or wait a second for one.

        Unlike the stock one it does not take a server that gives no answer for an empty queue.
        """
        popped = self.conn.bzpopmin(self.queue_key, timeout=self.read_timeout)
        return popped[1][8:] if popped else None

    def take_now(self) -> bytes | None:
        """Take the message of the highest priority without blocking."""
        popped = self.conn.zpopmin(self.queue_key)
        return popped[0][0][8:] if popped else None

    def take_many(self, most: int, undivided: int, *, is_patient: bool = True) -> list[bytes]:
        """Take at most so many messages at once; of more than `undivided` that wait only half.

        is_patient: of no matter, each call has a connection and a time-out.
        """
        count = min(share(self.conn.zcard(self.queue_key), undivided), most)
        if not count:
            return []
        taken = self.conn.zpopmin(self.queue_key, count)
        return [data[8:] for data, _ in taken]

    def has_some(self) -> bool:
        """Tell whether a message waits."""
        return bool(self.conn.zcard(self.queue_key))

    def enqueue_many(self, messages: Sequence[tuple[bytes, int]]) -> None:
        """Add all (data, priority) pairs in one round trip, in their order."""
        # As the stock enqueue: an 8-byte time keeps equal priorities in order and is cut off later.
        first = int(SystemClock().now() * 1e6)
        scores = {
            (first + number).to_bytes(8, "big") + data: -priority
            for number, (data, priority) in enumerate(messages)
        }
        self.conn.zadd(self.queue_key, scores)

    def enqueue_now(self, messages: Sequence[tuple[bytes, int]]) -> bool:
        """Add them as `enqueue_many`: nobody has to be waited for. Return True."""
        self.enqueue_many(messages)
        return True
