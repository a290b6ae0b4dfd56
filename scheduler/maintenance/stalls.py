"""Whoever stops in the middle of a request to PostgreSQL must not hold up everybody else."""

from scheduler.db import sessions
from scheduler.logs import event


class Stalls:
    """Ends sessions that two looks in a row have found in the same request."""

    def __init__(self) -> None:
        self._seen: set[sessions.StalledSession] = set()
        self._may_end: bool | None = None  # None: not asked yet

    def step(self, _now: float) -> None:
        """Look once, and end those that stand still, so that what they have locked is free."""
        if self._may_end is None:
            self._may_end = sessions.may_end_sessions()
            if not self._may_end:
                remedy = "grant this role pg_terminate_backend, pg_stat_activity and pg_locks"
                event("session.unwatched", "warning", remedy=remedy)
        if not self._may_end:
            return
        found = sessions.fetch_stalled()
        for session in sorted(found & self._seen):
            if sessions.end(session):
                event("session.stalled", "warning", postgres_pid=session.pid, effect="it was ended")
        self._seen = found
