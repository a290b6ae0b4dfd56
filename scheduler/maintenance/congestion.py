"""When runs that could start wait too long for a free slot, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.wording import plural, span

HELD_SECONDS = 10.0  # while every slot is busy with a run that has been going for as long
BACKLOG_SECONDS = 30.0  # a burst of short runs passes
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Holder:
    """A run that is going: it has a slot."""

    run_id: int
    name: str
    started_at: float


@dataclass(frozen=True, slots=True)
class Congestion:
    """What to say of runs that wait, and the remedy."""

    text: str
    remedy: str


def find_congestion(
    *,
    waiting: int,
    oldest_waiting_at: float | None,
    holders: Sequence[Holder],
    slots: int,
    now: float,
) -> Congestion | None:
    """Tell whether runs wait too long; `slots` are those of all living workers.

    Where none lives, that is a problem of its own.
    """
    if oldest_waiting_at is None or not slots:
        return None
    waited = now - oldest_waiting_at
    verb = "waits" if waiting == 1 else "wait"
    text = f"{plural(waiting, 'run')} {verb} for a free slot, the oldest for {span(waited)}"
    if waited > HELD_SECONDS and len(long := _long(holders, now)) >= slots:
        remedy = f"raise worker_concurrency, set a timeout, or: scheduler cancel {long[0].run_id}"
        return Congestion(f"{text}: {_who(long, slots, now)}", remedy)
    if waited > BACKLOG_SECONDS:
        return Congestion(text, "raise worker_concurrency or start another worker")
    return None


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
