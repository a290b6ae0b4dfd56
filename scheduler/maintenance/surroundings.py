"""Notices that what a process relies on was replaced, emptied or upgraded, and goes along."""

from scheduler.config import Config
from scheduler.db.connection import reopen_database, reopen_if_replaced
from scheduler.db.schema import (
    current_installation_id,
    init_schema,
    installation_id,
    is_schema_current,
)
from scheduler.errors import SchemaMissingError, SchemaTooNewError
from scheduler.logs import event
from scheduler.queue import RunQueue
from scheduler.stopping import StopSignal


class Surroundings:
    """The database, its schema and the queue, as one process of the service sees them.

    can_migrate: whether this process makes a missing schema (a ticker) or waits for it.
    """

    def __init__(
        self, config: Config, *, queue: RunQueue, stop: StopSignal, can_migrate: bool
    ) -> None:
        self._config = config
        self._queue = queue
        self._stop = stop
        self._can_migrate = can_migrate
        self._has_told_of_bell = False
        self.has_given_up = False

    def check(self) -> None:
        """Look once, about every second; raises SchedulerError while something is wrong.

        A schema that is newer than this code stops the process: it would do the wrong things.
        """
        if reopen_if_replaced():
            event("database.replaced", "warning", db_path=str(self._config.db_path))
        self._queue.belong_to(current_installation_id() or self._ensured_installation_id())
        self._queue.reopen_if_replaced()
        self._tell_of_missing_bell()

    def _ensured_installation_id(self) -> str:
        try:
            self._ensure_schema()
        except SchemaTooNewError as error:
            event("schema.too_new", "error", error=str(error))
            self.has_given_up = True
            self._stop.set()
            raise
        return installation_id()

    def _ensure_schema(self) -> None:
        if is_schema_current():
            return
        if self._can_migrate:
            init_schema(self._config)
        else:
            reopen_database()
            raise SchemaMissingError("the database has lost its tables; a ticker makes them")

    def _tell_of_missing_bell(self) -> None:
        bell = self._queue.doorbell
        is_missing = bell is not None and not bell.works
        if bell is not None and is_missing and not self._has_told_of_bell:
            event("doorbell.missing", "warning", path=str(bell.path), effect="up to 1 s late")
        self._has_told_of_bell = is_missing
