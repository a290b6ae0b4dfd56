"""When runs that could start wait too long, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from scheduler.wording import plural, span

HELD_SECONDS = 10.0  # while every slot is busy with a run that has been going for as long
BACKLOG_SECONDS = 30.0  # a burst of short runs passes
IDLE_SECONDS = 5.0  # while a slot is free and nothing starts; then a lost message is sent again
_SHOWN = 3


class Working(Protocol):
    """A living worker that takes what is queued."""

    @property
    def id(self) -> str:
        """Its id, by which a run names who has it."""

    @property
    def slots(self) -> int:
        """How many runs it executes at once."""

    @property
    def started_at(self) -> float:
        """When it began."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A run that is going: it has a slot of its worker."""

    run_id: int
    name: str
    started_at: float
    worker_id: str | None


@dataclass(frozen=True, slots=True)
class Congestion:
    """What to say of runs that wait, and the remedy; `is_idle`: although there are free slots."""

    text: str
    remedy: str
    is_idle: bool = False


def find_congestion(
    *,
    waiting: int,
    oldest_waiting_at: float | None,
    holders: Sequence[Holder],
    workers: Sequence[Working],
    last_started_at: float | None,
    now: float,
) -> Congestion | None:
    """Tell whether runs wait too long; where no worker takes them, that is a problem of its own.

    last_started_at: when a run, whichever, has last started.
    """
    slots = sum(worker.slots for worker in workers)
    if oldest_waiting_at is None or not slots:
        return None
    ids = {worker.id for worker in workers}
    holders = [holder for holder in holders if holder.worker_id in ids]
    waited = now - oldest_waiting_at
    text = f"{plural(waiting, 'run')} {'waits' if waiting == 1 else 'wait'}"
    age = f", the oldest for {span(waited)}"
    if (free := slots - len(holders)) > 0:
        # A worker needs its time to begin, and what waited before it came waited for it.
        since = max(oldest_waiting_at, *(worker.started_at for worker in workers))
        is_stuck = now - max(since, last_started_at or since) > IDLE_SECONDS
        if not is_stuck and now - since <= BACKLOG_SECONDS:
            return None
        remedy = "scheduler check tells whether the queue can be reached"
        return Congestion(f"{text} although {free_slots(free)}{age}", remedy, is_idle=True)
    text = f"{text} for a free slot{age}"
    if waited > HELD_SECONDS and len(long := _long(holders, now)) >= slots:
        remedy = f"raise worker_concurrency, set a timeout, or: scheduler cancel {long[0].run_id}"
        return Congestion(f"{text}: {_who(long, slots, now)}", remedy)
    if waited > BACKLOG_SECONDS:
        return Congestion(text, "raise worker_concurrency or start another worker")
    return None


def free_slots(count: int) -> str:
    """Say how many slots are free."""
    return "a slot is free" if count == 1 else f"{count:,} slots are free"


def _long(holders: Sequence[Holder], now: float) -> list[Holder]:
    """Return those that have been going for long, the oldest first."""
    long = [holder for holder in holders if now - holder.started_at > HELD_SECONDS]
    return sorted(long, key=lambda holder: holder.started_at)


def _who(long: Sequence[Holder], slots: int, now: float) -> str:
    shown = [
        f"run {holder.run_id} ({holder.name}, {span(now - holder.started_at)})"
        for holder in long[:_SHOWN]
    ]
    more = [f"{len(long) - _SHOWN} more"] if len(long) > _SHOWN else []
    verb = "holds" if len(long) == 1 else "hold"
    held = "the only slot" if slots == 1 else f"all {slots} slots"
    return f"{', '.join([*shown, *more])} {verb} {held}"
