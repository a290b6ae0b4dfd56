"""What ran, how it ended and how long it took: a report every night, a short one every minute."""

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

from scheduler import schedule

from .ledger import totals_since


def _data() -> Path:
    return Path(os.environ.get("EXAMPLES_DATA") or Path(__file__).resolve().parents[2] / "data")


@schedule(cron="5 0 * * *", timezone="Europe/Berlin", retries=2, catch_up="latest")
def last_day() -> str:
    """Report on the last 24 hours, at 00:05 in Berlin, also on nights when the clocks change."""
    return _write("day", timedelta(days=1))


@schedule(cron="* * * * *")
def last_hour() -> str:
    """Report on the last hour, every full minute."""
    return _write("hour", timedelta(hours=1))


def _write(period: str, length: timedelta) -> str:
    totals = list(totals_since(_data() / "scheduler.db", time.time() - length.total_seconds()))
    lines = [f"{'function':40} {'ended as':10} {'runs':>6} {'mean':>9}"]
    for total in totals:
        mean = "" if total.seconds is None else f"{total.seconds:8.3f}s"
        lines.append(f"{total.name:40} {total.status:10} {total.runs:6} {mean:>9}")
    text = "\n".join(lines) + "\n"
    report = _data() / "reports" / f"{period}-{datetime.now():%Y%m%dT%H%M%S}.txt"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(text)
    print(text, end="")
    return report.name
