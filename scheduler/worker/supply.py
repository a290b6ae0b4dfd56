"""What a worker has claimed and not started: a chunk at a time, while many short runs wait."""

import threading
from collections import deque
from collections.abc import Sequence
from math import ceil

from scheduler.clock import Clock
from scheduler.crashpoints import crash_point
from scheduler.db.claims import ClaimedRun, claim_chunk, hand_back
from scheduler.db.messages import Message
from scheduler.errors import DatabaseUnavailableError
from scheduler.logs import event
from scheduler.queue import RunQueue
from scheduler.storages.sharing import HURRIED_SECONDS

CHUNK = 50
SHORT_SECONDS = 0.01
CHUNK_SECONDS = 0.05  # how long its runs should take one after another
BATCH_SECONDS = 0.01  # the same of a batch; less work than that is not shared with other workers
SHARE_SECONDS = 0.002  # the same of what a slot takes at least, however many are idle
STALE_SECONDS = 0.25
_MOST_CLAIMED = 500  # in one commit, for however many idle slots: it holds the write lock
_WEIGHT = 0.1  # of the last run in the average of the recent ones
_LEAST_SECONDS = 1e-5  # what is counted of one run: a clock may have been set back
_MOST_SECONDS = 0.1  # what one run may add to it: the next long one is noticed as well


class Supply:
    """One per worker, shared by its slots: thread-safe.

    A commit that claims fifty runs costs little more than one that claims one, but a claimed run
    waits for this worker: so only while recent runs were short, and as much is left for others
    unless it is no more than a batch for each slot that is there for it: another worker would need
    commits and wake-ups of its own, 3 ms of a burst. `sharers` are those slots, one that asks and
    the idle ones, and each should have its share.
    """

    def __init__(self, queue: RunQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock
        self._lock = threading.Lock()
        self._runs: deque[ClaimedRun] = deque()
        self._aside = threading.Lock()  # of the two below; whoever has it waits for nothing
        self._returned: list[ClaimedRun] = []
        self._doubtful: list[int] = []  # whether they are claimed, only the database knows
        self._recent_seconds = _MOST_SECONDS
        self._taken_at = 0.0

    def note(self, seconds: float, count: int = 1) -> None:
        """Take the length of a run, or of each of so many, into the average."""
        counted = max(_LEAST_SECONDS, min(seconds, _MOST_SECONDS))
        for _ in range(count):
            self._recent_seconds += _WEIGHT * (counted - self._recent_seconds)

    def take(
        self, worker_id: str, most: int, *, sharers: int = 1
    ) -> tuple[list[ClaimedRun], list[Message]]:
        """Return runs that are claimed for the worker and are to be started; none: claim one alone.

        As many as a batch should have, if recent runs tell how long they take. The messages are to
        be sent. Raises QueueUnavailableError.
        """
        with self._lock:
            self._collect()
            released = self._fill(worker_id, sharers)
            self._taken_at = self._clock.monotonic()
            share = max(ceil(len(self._runs) / sharers), self._fitting(SHARE_SECONDS))
            count = min(len(self._runs), most, share, max(1, self._fitting(BATCH_SECONDS)))
            return [self._runs.popleft() for _ in range(count)], released

    def gather(self, run_id: int, worker_id: str, *, sharers: int = 1) -> list[Message] | None:
        """Claim a run that has come out of the queue with others that wait there; as `refill` else.

        None, and nothing is claimed, if none do, or they would be claimed one by one.
        """
        with self._lock:
            self._collect()
            if self._queue.is_waiting() and (others := self._take_chunk(sharers, besides=1)):
                return self._claim([run_id, *others], worker_id)
        return None

    def has_some(self) -> bool:
        """Tell whether a `take` now would find something that is claimed already."""
        return bool(self._runs or self._returned)

    def refill(self, worker_id: str) -> list[Message]:
        """Claim ahead what the next `take` returns, while nobody waits for it; as `take` else.

        A run goes on meanwhile, whose time-out counts: so this waits for nobody for long.
        """
        if not self._lock.acquire(timeout=HURRIED_SECONDS):
            return []
        try:
            self._collect()
            return self._claim(self._take_chunk(1, is_patient=False), worker_id)
        finally:
            self._lock.release()

    def put_back(self, runs: Sequence[ClaimedRun]) -> None:
        """Keep, as the next, what was not started after all: it is still claimed."""
        with self._aside:
            self._returned[:0] = runs

    def hand_back(self, worker_id: str, *, unless_fresh: bool = False) -> list[Message]:
        """Undo the claims, or only those that no slot has come for lately; return the messages.

        It does not wait for a slot that stays at the queue, which may be locked or silent for long:
        the heartbeat would stop, or a run's time-out would not be kept. It is asked for again.
        """
        if not self._lock.acquire(timeout=HURRIED_SECONDS):
            return []
        try:
            self._collect()
            age_seconds = self._clock.monotonic() - self._taken_at
            is_kept = unless_fresh and age_seconds < STALE_SECONDS
            doubtful = list(self._doubtful)
            run_ids = [*doubtful, *(run.id for run in self._runs if not is_kept)]
            if not run_ids:
                return []
            messages = hand_back(run_ids, worker_id, self._clock.now())
            with self._aside:
                del self._doubtful[: len(doubtful)]
            if not is_kept:
                self._runs.clear()
        finally:
            self._lock.release()
        return messages

    def doubt(self, run_ids: Sequence[int]) -> None:
        """Have the next `hand_back` undo these claims as well, if they are any."""
        with self._aside:
            self._doubtful += run_ids

    def _collect(self) -> None:
        """Have what came back be the next; with the lock."""
        with self._aside:
            self._runs.extendleft(reversed(self._returned))
            self._returned.clear()

    def _fitting(self, seconds: float) -> int:
        """Return how many runs like the recent ones take so long."""
        return int(seconds / self._recent_seconds)

    def _fill(self, worker_id: str, sharers: int) -> list[Message]:
        return self._claim(self._take_chunk(sharers), worker_id)

    def _take_chunk(self, sharers: int, besides: int = 0, *, is_patient: bool = True) -> list[int]:
        """Take run ids out of the queue if the supply has none and recent runs were short.

        besides: so many of the chunk are there already.
        """
        if self._runs or self._recent_seconds > SHORT_SECONDS:
            return []
        most = min(sharers * min(CHUNK, self._fitting(CHUNK_SECONDS)), _MOST_CLAIMED)
        undivided = sharers * self._fitting(BATCH_SECONDS)
        return self._queue.take_chunk(most - besides, undivided, is_patient=is_patient)

    def _claim(self, run_ids: list[int], worker_id: str) -> list[Message]:
        if not run_ids:
            return []
        crash_point("supply.dequeued")
        try:
            claimed, released = claim_chunk(run_ids, worker_id, self._clock.now())
        except DatabaseUnavailableError as error:  # perhaps after the commit: the answer was lost
            self.doubt(run_ids)
            event("run.unclaimed", "error", runs=len(run_ids), error=str(error))
            return []
        crash_point("supply.claimed")
        self._runs.extend(claimed)
        return released
