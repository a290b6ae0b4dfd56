"""Whoever stops in the middle of a request to PostgreSQL must not hold up everybody else."""

from scheduler.db import sessions
from scheduler.logs import event


def end_stalled_sessions(_now: float) -> None:
    """End them, so that what they have locked is free, and say so."""
    for pid in sessions.end_stalled():
        event("session.stalled", "warning", postgres_pid=pid, effect="it was ended")
