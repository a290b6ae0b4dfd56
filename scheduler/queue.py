"""The queue: Huey's storages, carrying run ids and nothing else; the rows are the truth."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from huey.api import Huey, Task

from scheduler.config import Config
from scheduler.doorbell import Doorbell, bell_path
from scheduler.errors import MissingDriverError, QueueUnavailableError
from scheduler.logs import event
from scheduler.outages import Outage
from scheduler.redaction import without_password
from scheduler.storages.postgres import BulkPostgresStorage
from scheduler.storages.redis import BulkRedisStorage
from scheduler.storages.sqlite import BulkSqliteStorage

NETWORK_TIMEOUT_SECONDS = 5
TASK_NAME = "run"
_MOST_KEPT = 1000  # what is beyond it the sweeper sends


class RunQueue(Huey):  # type: ignore[misc]
    """A Huey whose messages are run ids as JSON and whose tasks are executed without bookkeeping.

    Never pickle: somebody who can write to the queue can at most start a run that is queued.
    `doorbell` is None where the storage itself wakes its readers (Redis, PostgreSQL).
    """

    def __init__(
        self, name: str, storage_class: type, *, url: str | None = None, **storage: Any
    ) -> None:
        self.name: str
        self.storage: Any
        self._guard = _Guard(url)
        with self._guard:
            super().__init__(name, results=False, storage_class=storage_class, **storage)
        self._run_task: type[Task] | None = None
        self.doorbell: Doorbell | None = None
        self._kept: deque[tuple[int, int]] = deque(maxlen=_MOST_KEPT)

    def execute_with(self, function: Callable[[int], None]) -> None:
        """Declare what a consumer calls with each run id."""
        self._run_task = self.task(name=TASK_NAME)(function).task_class

    def send(self, messages: Sequence[tuple[int, int]]) -> None:
        """Enqueue (run id, priority) pairs in one transaction and wake idle slots.

        Raises QueueUnavailableError; the rows stay queued, the sweeper sends them again.
        """
        messages = [*self._take_kept(), *messages]
        if not messages:
            return
        with self._guard:
            self.storage.enqueue_many(self._encoded(messages))
        self._note_sent(len(messages))

    def send_now(self, messages: Sequence[tuple[int, int]]) -> None:
        """Send, unless somebody stays at the queue: then they go with what is sent next.

        To send nothing is to send those. Raises QueueUnavailableError, as `send`.
        """
        messages = [*self._take_kept(), *messages]
        if not messages:
            return
        with self._guard:
            is_sent = self.storage.enqueue_now(self._encoded(messages))
        if is_sent:
            self._note_sent(len(messages))
        else:
            self._kept.extend(messages)

    def take_now(self) -> int | None:
        """Take the next run id without waiting for one, None when there is none.

        Raises QueueUnavailableError.
        """
        with self._guard:
            while (data := self.storage.take_now()) is not None:
                if (run_id := self._decode(data)) is not None:
                    self._guard.note_success()
                    return run_id
        return None

    def take_chunk(self, most: int, undivided: int, *, is_patient: bool = True) -> list[int]:
        """Take at most so many run ids at once: all of 2 to `undivided` that wait, half of more.

        Nothing if there are too few for either; not patient: nor while others are at the queue.

        Raises QueueUnavailableError.
        """
        with self._guard:
            taken = list(
                map(self._decode, self.storage.take_many(most, undivided, is_patient=is_patient))
            )
        if taken:
            self._guard.note_success()
        return [run_id for run_id in taken if run_id is not None]

    def is_waiting(self) -> bool:
        """Tell whether a message waits behind one that was taken; no, if that had rung alone.

        Raises QueueUnavailableError.
        """
        if self.doorbell is not None and self.doorbell.rings == 1:
            return False
        with self._guard:
            return bool(self.storage.has_some())

    def ring_if_waiting(self) -> None:
        """Wake an idle slot if a message waits: a ring may have been lost.

        Raises QueueUnavailableError.
        """
        if self.doorbell is None or not self.doorbell.works:
            return  # the slots look by themselves
        with self._guard:
            is_waiting = self.storage.has_some_unattended()
        if is_waiting:
            self.doorbell.ring()

    def size(self) -> int:
        """Return how many messages wait. Raises QueueUnavailableError."""
        with self._guard:
            return int(self.storage.queue_size())

    def belong_to(self, installation_id: str) -> None:
        """Go over to the queue of an installation: another one when the database was made anew.

        Raises QueueUnavailableError.
        """
        name = _name_of(installation_id)
        if name != self.name:
            with self._guard:
                self._kept.clear()
                self.storage.close()
                self.name = name
                self.storage = self.create_storage()

    def reopen_if_replaced(self) -> None:
        """Notice that the queue file or the doorbell was deleted or replaced, and open it again."""
        if isinstance(self.storage, BulkSqliteStorage):
            with self._guard:
                self.storage.reopen_if_replaced()
        if self.doorbell is not None:
            self.doorbell.reopen_if_replaced()

    def serialize_task(self, task: Task) -> bytes:
        return self._encode(task.args[0])

    def deserialize_task(self, data: bytes) -> Task | None:
        run_id = self._decode(data)
        if run_id is None:
            return None
        assert self._run_task is not None, "execute_with comes before the consumer"
        return self._run_task((run_id,), {}, id=str(run_id))

    def dequeue(self) -> Task | None:
        """Take the next message, waiting for one for a second where the storage can wait.

        Foreign ones are dropped with a warning. Raises QueueUnavailableError.
        """
        with self._guard:
            while (data := self.storage.dequeue()) is not None:
                if (task := self.deserialize_task(data)) is not None:
                    self._guard.note_success()
                    return task
        return None

    def execute(self, task: Task, timestamp: object = None) -> None:
        """Just execute; the stock method takes an exclusive lock a task to clear revocations."""
        task.execute()

    def _take_kept(self) -> list[tuple[int, int]]:
        taken = []
        with suppress(IndexError):  # several threads may take them
            while True:
                taken.append(self._kept.popleft())
        return taken

    def _note_sent(self, count: int) -> None:
        self._guard.note_success()
        if self.doorbell is not None:
            self.doorbell.ring(count)

    def _encoded(self, messages: Sequence[tuple[int, int]]) -> list[tuple[bytes, int]]:
        return [(self._encode(run_id), priority) for run_id, priority in messages]

    @staticmethod
    def _encode(run_id: int) -> bytes:
        return b"%d" % run_id

    @staticmethod
    def _decode(data: bytes) -> int | None:
        try:
            return int(bytes(data))
        except (ValueError, TypeError):
            event("queue.foreign_message", "warning", size_bytes=len(data))
            return None


class _Guard:
    """Raises QueueUnavailableError, without the URL's password, for whatever a driver raises."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._place = "queue_url" if url else "the queue"
        self._outage = Outage()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        if isinstance(error, Exception):
            text = without_password(f"{type(error).__name__}: {error}", self._url)
            self._outage.note_failure()
            raise QueueUnavailableError(f"{self._place}: {text}") from None
        if self._url and error is None:  # of a file one may read what one cannot write
            self.note_success()

    def note_success(self) -> None:
        """Note that a message went through."""
        if self._outage.is_on:
            self._outage.note_success(self._place)


def open_queue(config: Config, installation_id: str) -> RunQueue:
    """Open the configured queue; its name carries the installation, so that two share a server.

    Raises MissingDriverError when the back end's package is not installed.
    """
    name = _name_of(installation_id)
    if config.queue_url is None:
        queue = RunQueue(
            name,
            BulkSqliteStorage,
            filename=str(config.queue_path),
            durability=config.durability,
        )
        queue.doorbell = Doorbell(bell_path(config.queue_path))
        return queue
    if config.queue_url.startswith(("redis://", "rediss://")):
        return _open_redis(name, config.queue_url)
    return _open_postgres(name, config.queue_url)


def _name_of(installation_id: str) -> str:
    return f"scheduler-{installation_id[:12]}"


def _open_redis(name: str, url: str) -> RunQueue:
    try:
        from redis import ConnectionPool
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise MissingDriverError(
            "queue_url: Redis needs its client; pip install 'slotkeeper[redis]'"
        ) from error
    pool = ConnectionPool.from_url(
        url,
        socket_connect_timeout=NETWORK_TIMEOUT_SECONDS,
        socket_timeout=NETWORK_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),  # the slots and the sweeper try again, at their own pace
    )
    return RunQueue(name, BulkRedisStorage, url=url, connection_pool=pool)


def _open_postgres(name: str, url: str) -> RunQueue:
    try:
        from scheduler.postgres import connect
    except ImportError as error:
        raise MissingDriverError(
            "queue_url: PostgreSQL needs psycopg 3; pip install 'slotkeeper[postgres]'"
        ) from error
    return RunQueue(name, BulkPostgresStorage, url=url, connection=lambda: connect(url))
