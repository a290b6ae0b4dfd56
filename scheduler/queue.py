"""The queue: Huey's storages, carrying run ids and nothing else; the rows are the truth."""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huey.api import Huey, Task
from huey.storage import PostgresStorage, PriorityRedisStorage, SqliteStorage

from scheduler.clock import SystemClock
from scheduler.config import Config
from scheduler.doorbell import Doorbell
from scheduler.errors import MissingDriverError, QueueUnavailableError
from scheduler.logs import event
from scheduler.redaction import without_password

NETWORK_TIMEOUT_SECONDS = 5
_ADVISORY_LOCK = 7_364_190_156  # any number, the same in every scheduler
BUSY_TIMEOUT_SECONDS = 30
CHECKPOINT_PAGES = 4000  # 16 MB: a checkpoint syncs the disk
TASK_NAME = "run"


class RunQueue(Huey):  # type: ignore[misc]
    """A Huey whose messages are run ids as JSON and whose tasks are executed without bookkeeping.

    Never pickle: somebody who can write to the queue can at most start a run that is queued.
    `doorbell` is None where the storage itself wakes its readers (Redis, PostgreSQL).
    """

    def __init__(
        self, name: str, storage_class: type, *, url: str | None = None, **storage: Any
    ) -> None:
        self._url = url
        with self._guarded():
            super().__init__(name, results=False, storage_class=storage_class, **storage)
        self._run_task: type[Task] | None = None
        self.doorbell: Doorbell | None = None

    def execute_with(self, function: Callable[[int], None]) -> None:
        """Declare what a consumer calls with each run id."""
        self._run_task = self.task(name=TASK_NAME)(function).task_class

    def send(self, messages: Sequence[tuple[int, int]]) -> None:
        """Enqueue (run id, priority) pairs in one transaction and wake as many idle slots.

        Raises QueueUnavailableError; the rows stay queued, the sweeper sends them again.
        """
        if not messages:
            return
        with self._guarded():
            self.storage.enqueue_many([(self._encode(run_id), prio) for run_id, prio in messages])
        if self.doorbell is not None:
            self.doorbell.ring(len(messages))

    def take_now(self) -> int | None:
        """Take the next run id without waiting for one, None when there is none.

        Raises QueueUnavailableError.
        """
        with self._guarded():
            while (data := self.storage.take_now()) is not None:
                if (run_id := self._decode(data)) is not None:
                    return run_id
        return None

    def size(self) -> int:
        """Return how many messages wait. Raises QueueUnavailableError."""
        with self._guarded():
            return int(self.storage.queue_size())

    def reopen_if_replaced(self) -> None:
        """Notice that the queue file or the doorbell was deleted or replaced, and open it again."""
        if isinstance(self.storage, BulkSqliteStorage):
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
        with self._guarded():
            while (data := self.storage.dequeue()) is not None:
                if (task := self.deserialize_task(data)) is not None:
                    return task
        return None

    def execute(self, task: Task, timestamp: object = None) -> None:
        """Just execute; the stock method takes an exclusive lock a task to clear revocations."""
        task.execute()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Raise QueueUnavailableError, without the URL's password, for whatever a driver raises."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - three drivers with exceptions of their own
            text = without_password(f"{type(error).__name__}: {error}", self._url)
            place = "queue_url" if self._url else "the queue"
            raise QueueUnavailableError(f"{place}: {text}") from None

    @staticmethod
    def _encode(run_id: int) -> bytes:
        return b"%d" % run_id

    @staticmethod
    def _decode(data: bytes) -> int | None:
        try:
            return int(json.loads(bytes(data)))
        except (ValueError, TypeError):
            event("queue.foreign_message", "warning", size_bytes=len(data))
            return None


class BulkSqliteStorage(SqliteStorage):  # type: ignore[misc]
    """Huey's SQLite storage with `synchronous=NORMAL`, short locks and a bulk enqueue."""

    begin_sql = "begin immediate"

    def __init__(self, name: str, *, filename: str, durability: str) -> None:
        self._synchronous = "FULL" if durability == "full" else "NORMAL"
        self._identity: tuple[int, int] | None = None
        _create_private_file(Path(filename))
        super().__init__(name, filename=filename, timeout=BUSY_TIMEOUT_SECONDS)

    def _create_connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._create_connection()
        connection.execute(f"pragma synchronous={self._synchronous}")
        connection.execute("pragma journal_size_limit=67108864")
        connection.execute(f"pragma wal_autocheckpoint={CHECKPOINT_PAGES}")
        self._identity = _identity(self.filename)
        return connection

    def dequeue(self) -> bytes | None:
        """Take the message of the highest priority; one statement where Huey needs five."""
        if not self.sql("select 1 from task where queue = ? limit 1", (self.name,), results=True):
            return None  # without the write lock, which idle slots must not ask for
        taken = self.sql(
            "delete from task where id = (select id from task where queue = ? "
            "order by priority desc, id limit 1) returning data",
            (self.name,),
            results=True,
        )
        return taken[0][0] if taken else None

    take_now = dequeue

    def enqueue_many(self, messages: Sequence[tuple[bytes, int]]) -> None:
        """Insert all (data, priority) pairs in one transaction."""
        with self.db(commit=True) as cursor:
            cursor.executemany(
                "insert into task (queue, data, priority) values (?, ?, ?)",
                [(self.name, data, priority) for data, priority in messages],
            )

    def reopen_if_replaced(self) -> None:
        """Open the file again, with fresh tables, when it is not the one that is open."""
        if self._conn is not None and _identity(self.filename) != self._identity:
            self.close()
            _create_private_file(Path(self.filename))
            self.initialize_schema()


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

    def enqueue_many(self, messages: Sequence[tuple[bytes, int]]) -> None:
        """Add all (data, priority) pairs in one round trip, in their order."""
        # As the stock enqueue: an 8-byte time keeps equal priorities in order and is cut off later.
        first = int(SystemClock().now() * 1e6)
        scores = {
            (first + number).to_bytes(8, "big") + data: -priority
            for number, (data, priority) in enumerate(messages)
        }
        self.conn.zadd(self.queue_key, scores)


class BulkPostgresStorage(PostgresStorage):  # type: ignore[misc]
    """Huey's queue in PostgreSQL with a bulk enqueue."""

    def initialize_schema(self) -> None:
        """Make the tables; one process at a time, since `if not exists` alone is a race."""
        with self.db(commit=True, close=True) as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
            for statement in self.ddl:
                cursor.execute(statement)

    def take_now(self) -> bytes | None:
        """Take the message of the highest priority without waiting for a notification."""
        taken: bytes | None = self._dequeue()
        return taken

    def enqueue_many(self, messages: Sequence[tuple[bytes, int]]) -> None:
        """Insert all (data, priority) pairs and notify the listeners in one transaction."""
        with self.db(commit=True) as cursor:
            cursor.executemany(
                f"insert into {self.table_task} (queue, data, priority) values (%s, %s, %s)",
                [(self.name, data, priority) for data, priority in messages],
            )
            cursor.execute("select pg_notify(%s, '')", (self.channel,))


def open_queue(config: Config, installation_id: str) -> RunQueue:
    """Open the configured queue; its name carries the installation, so that two share a server.

    Raises MissingDriverError when the back end's package is not installed.
    """
    name = f"scheduler-{installation_id[:12]}"
    if config.queue_url is None:
        queue = RunQueue(
            name,
            BulkSqliteStorage,
            filename=str(config.queue_path),
            durability=config.durability,
        )
        queue.doorbell = Doorbell(config.queue_path.with_name(config.queue_path.name + ".bell"))
        return queue
    if config.queue_url.startswith(("redis://", "rediss://")):
        return _open_redis(name, config.queue_url)
    return _open_postgres(name, config.queue_url)


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


def _create_private_file(path: Path) -> None:
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _identity(filename: str) -> tuple[int, int] | None:
    try:
        found = os.stat(filename)
    except OSError:
        return None
    return found.st_dev, found.st_ino
