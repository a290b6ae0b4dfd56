"""The queue in an SQLite file: short locks, and a file that is mended when it is broken."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from huey.storage import SqliteStorage

from scheduler.logs import event
from scheduler.sqlite_file import CHECKPOINT_PAGES, LOG_LIMIT_BYTES, SqliteFile
from scheduler.sqlite_lock import BUSY_TIMEOUT_SECONDS, is_busy
from scheduler.storages.sharing import HURRIED_SECONDS, share

T = TypeVar("T")

_INSERT = "insert into task (queue, data, priority) values (?, ?, ?)"


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
        count = min(share(counted[0][0], undivided), most) if counted else 0
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


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Tell whether a file is no database or a damaged one."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
