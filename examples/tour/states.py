"""A tour of every way a run can end that is not success, all on purpose.

Take "tour" out of scan_paths and the functions become `gone`; put it back and they return.
"""

import os
import signal
import time
from datetime import timedelta

from scheduler import current_run, schedule


@schedule(timedelta(seconds=45), retries=2, retry_delay=timedelta(seconds=4))
def fails_and_retries() -> None:
    """error: raises at every attempt, is tried three times."""
    run = current_run()
    print(f"attempt {run.attempt if run else 1} of 3")
    raise ConnectionError("the other side hung up (this example fails on purpose)")


@schedule(timedelta(seconds=20))
def takes_long() -> str:
    """running, then skipped: needs 30 seconds, comes every 20, so each second slot is skipped."""
    for step in range(1, 31):
        print(f"step {step} of 30")
        time.sleep(1)
    return "30 steps"


@schedule(timedelta(seconds=40), timeout=timedelta(seconds=3))
def runs_into_its_timeout() -> None:
    """timeout: waits for an answer that never comes, is stopped after three seconds."""
    print("waiting for an answer")
    time.sleep(3600)


@schedule(timedelta(seconds=25), overlap="replace")
def is_replaced_by_its_next_run() -> None:
    """cancelled: never ends by itself, the next slot cancels it and takes its place."""
    print("watching until I am replaced")
    time.sleep(3600)


@schedule(timedelta(seconds=50), isolated=True)
def is_killed() -> None:
    """lost: dies by SIGKILL, as under the kernel's out-of-memory killer."""
    print("about to die", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


@schedule(timedelta(seconds=10), catch_up="skip", grace=timedelta(seconds=5))
def is_missed_after_downtime() -> None:
    """missed: stop the service for a minute; the slots of that minute are not made up for."""
    print("on time, or not at all")


@schedule(timedelta(seconds=30), enabled=False)
def is_switched_off() -> None:
    """off: stays in the list with `enabled=False`, has no runs."""
    raise AssertionError("a disabled function ran")
