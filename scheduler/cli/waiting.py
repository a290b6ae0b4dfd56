"""Waits for a run's verdict, but only while somebody is alive who can bring it about."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from scheduler.cli.context import Context
from scheduler.clock import sleep
from scheduler.db.report_rows import RunReport
from scheduler.db.reports import list_attempts, read_queue
from scheduler.maintenance.conditions import Process, has_ticker, list_processes

_POLL_SECONDS = 0.1
_LOOK_SECONDS = 0.5
_RESTART_SECONDS = 3.0  # a process that died is replaced within this time, or by hand


def wait_for_verdict(
    context: Context, root_id: int, *, on_retry: Callable[[RunReport, RunReport], None]
) -> tuple[RunReport, str | None]:
    """Return the last attempt, and None or why nobody will bring it to its end.

    `on_retry(failed, next attempt)` is called for each retry that is queued meanwhile.
    It gives up at once if nobody is alive at the first look; later it lets a restart pass.
    """
    clock = context.clock
    looked_at, helpless_since = float("-inf"), float("-inf")
    known = 1
    while True:
        # A retry is queued in the transaction that ends the attempt before: the last one counts.
        attempts = list_attempts(root_id)
        for failed, following in pairwise(attempts[known - 1 :]):
            on_retry(failed, following)
        known = len(attempts)
        last = attempts[-1]
        if last.is_final:
            return last, None
        monotonic = clock.monotonic()
        if monotonic - looked_at >= _LOOK_SECONDS:
            looked_at = monotonic
            why = why_helpless(last, list_processes(context.config, clock.now()), clock.now())
            if why is None:
                helpless_since = monotonic
            elif monotonic - helpless_since >= _RESTART_SECONDS:
                return last, why
        sleep(_POLL_SECONDS)


def count_free_slots(processes: Sequence[Process], now: float) -> int:
    """Count the slots of workers that take work beyond those in which a run is going."""
    slots = sum(process.slots for process in processes if process.takes_work)
    return slots - read_queue(now).running


def why_helpless(run: RunReport, processes: Sequence[Process], now: float) -> str | None:
    """Say who is missing to bring an open run to its end, None when all are there."""
    is_ticking = has_ticker(processes)
    if run.status == "running":
        if is_ticking or any(p.id == run.claimed_by and p.is_alive for p in processes):
            return None
        return "its worker is dead and no ticker is alive to give it its verdict"
    if not any(p.takes_work for p in processes):
        return "no worker is alive to run it"
    is_to_be_sent = run.available_at is not None and (run.available_at > now or run.attempt > 1)
    if is_to_be_sent and not is_ticking:
        return "no ticker is alive to start it when its time has come"
    return None
