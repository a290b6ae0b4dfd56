"""The queue in a table of a PostgreSQL server."""

from collections.abc import Sequence

from huey.storage import PostgresStorage

from scheduler.storages.sharing import HURRIED_SECONDS, LEAST_DIVIDED

_ADVISORY_LOCK = 7_364_190_156  # any number, the same in every scheduler


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
            (self.name, undivided, most, LEAST_DIVIDED, self.name, 2 * most),
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
