"""The functions of a selftest, copied into its folder: each writes down what it does, fsynced."""

import functools
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scheduler import current_run, schedule
from scheduler.clock import SystemClock, sleep

HERE = Path(__file__).parent
START = datetime.fromtimestamp(float((HERE / "start.txt").read_text()), UTC)
CLOCK = SystemClock()
SHORT = 0.01
LONG = 1.5


def note(what: str) -> None:
    """Append one fact to the journal; one write, so that lines of several processes never mix."""
    run = current_run()
    assert run is not None, "the functions of a selftest run under the scheduler"
    fact = {
        "what": what,
        "name": run.name,
        "run_id": run.run_id,
        "slot": run.scheduled_for,
        "attempt": run.attempt,
        "pid": os.getpid(),
        "at": CLOCK.now(),
    }
    journal = os.open(HERE / "journal.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(journal, b"\n" + json.dumps(fact).encode() + b"\n")
        os.fsync(journal)
    finally:
        os.close(journal)


def noted(function: Callable[[], Any]) -> Callable[[], Any]:
    """Let a function write when it starts and how it ends."""

    @functools.wraps(function)
    def call() -> Any:
        note("start")
        try:
            result = function()
        except Exception:
            note("error")
            raise
        note("success")
        return result

    return call


def live(seconds: float) -> None:
    """Work for some time and say all the while that one is still alive."""
    until = CLOCK.monotonic() + seconds
    while CLOCK.monotonic() < until:
        note("alive")
        sleep(0.05)


@schedule(timedelta(seconds=1), start=START)
@noted
def every_second() -> None:
    live(SHORT)


@schedule(timedelta(seconds=0.25), start=START, retries=5, retry_delay=timedelta(0))
@noted
def often() -> None:
    live(SHORT)


@schedule(cron="*/2 * * * * *", retries=2, retry_delay=timedelta(seconds=0.2))
@noted
async def by_cron() -> None:
    live(SHORT)


@schedule(timedelta(seconds=3), start=START, retries=9, retry_delay=timedelta(0))
@noted
def long() -> None:
    live(LONG)


@schedule(timedelta(seconds=1), start=START, overlap="queue", retries=1)
@noted
def waits_for_itself() -> None:
    live(LONG)


@schedule(timedelta(seconds=1), start=START, overlap="allow")
@noted
def beside_itself() -> None:
    live(LONG)


@schedule(timedelta(seconds=1), start=START, overlap="replace")
@noted
def replaces_itself() -> None:
    live(LONG)


@schedule(timedelta(seconds=1), start=START, catch_up="all", overlap="queue")
@noted
def catches_up() -> None:
    live(SHORT)


@schedule(timedelta(seconds=1), start=START, catch_up="skip", grace=timedelta(seconds=1))
@noted
def skips_the_past() -> None:
    live(SHORT)


@schedule(timedelta(seconds=2), start=START, retries=2, retry_delay=timedelta(seconds=0.1))
@noted
def always_fails() -> None:
    live(SHORT)
    raise ValueError("as the selftest wants it")


@schedule(timedelta(seconds=3), start=START, timeout=timedelta(seconds=0.5))
@noted
def never_ends() -> None:
    live(3600)


@schedule(timedelta(seconds=2), start=START, isolated=True, priority=5)
@noted
def alone() -> None:
    live(SHORT)


@schedule(timedelta(seconds=2), start=START, jitter=timedelta(seconds=1))
@noted
def put_off() -> None:
    live(SHORT)
