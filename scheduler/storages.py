"""Huey's storages with what we need: bulk sends, short locks, a file that is mended when broken."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from huey.storage import PostgresStorage, PriorityRedisStorage, SqliteStorage

from scheduler.clock import SystemClock
from scheduler.logs import event
from scheduler.sqlite_file import CHECKPOINT_PAGES, LOG_LIMIT_BYTES, SqliteFile
from scheduler.sqlite_lock import BUSY_TIMEOUT_SECONDS, is_busy

T = TypeVar("T")

HURRIED_SECONDS = 0.05  # how long somebody waits who must not wait
_INSERT = "insert into task (queue, data, priority) values (?, ?, ?)"
_LEAST_DIVIDED = 4  # fewer are not divided: they are taken together, or one by one
_ADVISORY_LOCK = 7_364_190_156  # any number, the same in every scheduler


def _share(waiting: int, undivided: int) -> int:
    """Return how many of so many messages one worker takes at once; 0: one by one.

    All of them if at most `undivided` wait, else half: the rest is for others.
    """
    if 2 <= waiting <= undivided:
        return waiting
    return 0 if waiting < _LEAST_DIVIDED else waiting // 2


class BulkSqliteStorage(SqliteStorage):  # type: ignore[misc]
    """Huey's SQLite storage with `synchronous=NORMAL`, short locks and a bulk enqueue."""

    begin_sql = "begin immediate"

    def __init__(self, name: str, *, filename: str, durability: str) -> None:
        self._synchronous = "FULL" if durability == "full" else "NORMAL"
        self._file = SqliteFile(Path(filename))
        self._is_damaged = False
        self._lacks_tables = False
        super().__init__(name, filename=filename, timeout=BUSY_TIMEOUT_SECONDS, create_tables=False)
        self._make_tables()

    def _create_connection(self) -> sqlite3.Connection:
        self._file.create()
        self._file.remember()  # before it is opened: which one it is that may turn out damaged
        connection: sqlite3.Connection = super()._create_connection()
        connection.execute(f"pragma synchronous={self._synchronous}")
        connection.execute(f"pragma journal_size_limit={LOG_LIMIT_BYTES}")
        connection.execute(f"pragma wal_autocheckpoint={CHECKPOINT_PAGES}")
        return connection

    @contextmanager
    def db(self, commit: bool = False, close: bool = False) -> Iterator[sqlite3.Cursor]:
        """Yield a cursor, as Huey's own; remember when the file turns out to be no queue."""
        try:
            with super().db(commit=commit, close=close) as cursor:
                yield cursor
        except sqlite3.DatabaseError as error:
            self._note_fault(error)
            raise

    def dequeue(self) -> bytes | None:
        """Take the message of the highest priority; one statement where Huey needs five."""
        if not self.has_some():
            return None  # without the write lock, which idle slots must not ask for
        taken = self._execute(
            "delete from task where id = (select id from task where queue = ? "
            "order by priority desc, id limit 1) returning data",
            (self.name,),
        )
        return taken[0][0] if taken else None

    take_now = dequeue

    def take_many(self, most: int, undivided: int, *, is_patient: bool = True) -> list[bytes]:
        """Take at most so many messages at once; of more than `undivided` that wait only half.

        Not patient: nothing while somebody else is at the queue, if he stays there.
        """
        counted = self._execute(
            "select count(*) from (select 1 from task where queue = ? limit ?)",
            (self.name, 2 * most),
            is_patient=is_patient,
        )
        count = min(_share(counted[0][0], undivided), most) if counted else 0
        if not count:
            return []
        take = (
            "delete from task where id in (select id from task where queue = ? "
            "order by priority desc, id limit ?) returning priority, id, data"
        )
        params = (self.name, count)
        if is_patient:
            taken = self._execute(take, params)
        else:
            taken = self._attempt(lambda queue: queue.execute(take, params).fetchall()) or []
        return [data for _, _, data in sorted(taken, key=lambda row: (-row[0], row[1]))]

    def enqueue_many(self, messages: Sequence[tuple[bytes, int]]) -> None:
        """Insert all (data, priority) pairs in one transaction; one is one by itself."""
        values = [(self.name, data, priority) for data, priority in messages]
        if len(values) == 1:
            self._execute(_INSERT, values[0])
            return
        with self.db(commit=True) as cursor:
            cursor.executemany(_INSERT, values)

    def enqueue_now(self, messages: Sequence[tuple[bytes, int]]) -> bool:
        """Insert as `enqueue_many` if nobody else stays at the queue; return whether it did."""
        values = [(self.name, data, priority) for data, priority in messages]

        def insert(queue: sqlite3.Connection) -> bool:
            queue.execute(self.begin_sql)
            with queue:
                queue.executemany(_INSERT, values)
            return True

        return self._attempt(insert) or False

    def reopen_if_replaced(self) -> None:
        """Open the file again when it is not the one that is open; make it anew when it is damaged.

        It holds nothing that the rows do not.
        """
        if self._file.was_replaced():
            self._file.forget()
            self.close()
        elif self._is_damaged:
            self._set_aside()
        elif not self._lacks_tables:
            return
        self._make_tables()

    def has_some_unattended(self) -> bool:
        """Tell whether a message waits; no, while somebody is at the queue: who will see it.

        It waits for nobody: a heartbeat must not.
        """
        return self.has_some(is_patient=False)

    def has_some(self, *, is_patient: bool = True) -> bool:
        """Tell whether a message waits."""
        found = self._execute(
            "select 1 from task where queue = ? limit 1", (self.name,), is_patient=is_patient
        )
        return bool(found)

    def _execute(
        self, sql: str, params: Sequence[Any], *, is_patient: bool = True
    ) -> list[tuple[Any, ...]]:
        """Execute one statement by itself, without the cursor and the context of Huey's `sql`.

        Not patient: nothing is done, and nothing found, while another thread is at the queue.
        """
        if not self.lock.acquire(blocking=is_patient):
            return []
        try:
            found: list[tuple[Any, ...]] = self.conn.execute(sql, params).fetchall()
            return found
        except sqlite3.DatabaseError as error:
            self._note_fault(error)
            raise
        finally:
            self.lock.release()

    def _attempt(self, act: Callable[[sqlite3.Connection], T]) -> T | None:
        """Return what `act` does; None if a thread or a process is at the queue for longer."""
        if not self.lock.acquire(timeout=HURRIED_SECONDS):
            return None
        try:
            self.conn.execute(f"pragma busy_timeout = {HURRIED_SECONDS * 1000:.0f}")
            try:
                return act(self.conn)
            finally:
                self.conn.execute(f"pragma busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and is_busy(error):
                return None
            self._note_fault(error)
            raise
        finally:
            self.lock.release()

    def _note_fault(self, error: sqlite3.DatabaseError) -> None:
        self._is_damaged = self._is_damaged or _is_damage(error)
        self._lacks_tables = self._lacks_tables or "no such table" in str(error)

    def _make_tables(self) -> None:
        self._is_damaged = self._lacks_tables = False
        try:
            self.initialize_schema()
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            self._set_aside()
            self.initialize_schema()
            self._is_damaged = False

    def _set_aside(self) -> None:
        aside = self._file.set_aside()
        if aside is not None:
            event("queue.set_aside", "warning", path=self.filename, aside=aside)
        self.close()


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
        count = min(_share(self.conn.zcard(self.queue_key), undivided), most)
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

    def take_many(self, most: int, undivided: int, *, is_patient: bool = True) -> list[bytes]:
        """Take at most so many messages at once; of more than `undivided` that wait only half.

        Not patient: nothing while another thread is at the queue, if it stays there.
        """
        if not (is_patient or self._is_free()):
            return []
        waiting = f"select 1 from {self.table_task} where queue = %s limit %s"
        taken = self.sql(
            f"delete from {self.table_task} where id in (select id from {self.table_task} "
            "where queue = %s order by priority desc, id limit (select case "
            "when count(*) between 2 and %s then least(count(*), %s) when count(*) < %s then 0 "
            f"else count(*) / 2 end from ({waiting}) waiting) for update skip locked) "
            "returning priority, id, data",
            (self.name, undivided, most, _LEAST_DIVIDED, self.name, 2 * most),
            results=True,
        )
        return [bytes(data) for _, _, data in sorted(taken, key=lambda row: (-row[0], row[1]))]

    def has_some(self) -> bool:
        """Tell whether a message waits."""
        asked = f"select exists (select 1 from {self.table_task} where queue = %s)"
        ((is_waiting,),) = self.sql(asked, (self.name,), results=True)
        return bool(is_waiting)

    def enqueue_many(self, messages: Sequence[tuple[bytes, int]]) -> None:
        """Insert all (data, priority) pairs and notify the listeners in one transaction."""
        with self.db(commit=True) as cursor:
            cursor.execute(
                f"insert into {self.table_task} (queue, data, priority) "
                "select %s, data, priority from unnest(%s::bytea[], %s::float8[]) "
                "as message (data, priority)",
                (self.name, *map(list, zip(*messages, strict=True))),
            )
            cursor.execute("select pg_notify(%s, '')", (self.channel,))

    def enqueue_now(self, messages: Sequence[tuple[bytes, int]]) -> bool:
        """Insert as `enqueue_many` if no other thread stays at the queue; return whether it did."""
        if not self._is_free():
            return False
        self.enqueue_many(messages)
        return True

    def _is_free(self) -> bool:
        """Tell whether no thread waits for an answer for longer than a moment."""
        is_free: bool = self.lock.acquire(timeout=HURRIED_SECONDS)
        if is_free:
            self.lock.release()
        return is_free


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Tell whether a file is no database or a damaged one."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
