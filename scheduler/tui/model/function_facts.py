"""What the details of a function say above its runs."""

from collections.abc import Sequence

from scheduler.db.console_rows import FunctionDetails, FunctionRow, Mark
from scheduler.db.console_stats import LATENESS_STEPS, FunctionStats, Spread
from scheduler.errors import ScheduleError
from scheduler.phrases import describe
from scheduler.statuses import FAILED
from scheduler.triggers import build_trigger
from scheduler.tui.look import Look
from scheduler.tui.model.board import Entry
from scheduler.tui.model.facts import Fact
from scheduler.tui.model.functions import described, history, last_run, next_run
from scheduler.tui.text import Line, clean
from scheduler.wording import duration, every, plural

FIRE_TIMES = 4


def left_facts(entry: Entry, details: FunctionDetails | None, look: Look) -> list[Fact]:
    """Return state, function, source and schedule; details None: they are not here yet."""
    function = entry.function
    paused_at = details.paused_at if details else None
    state: Line = entry.state.runs(look.glyphs)
    if function.consecutive_failures > 1:
        state = [*state, ("dim", f"  for {function.consecutive_failures} runs in a row")]
    elif paused_at is not None and function.state == "paused":
        state = [*state, ("dim", f"  paused {look.past(paused_at)}")]
    return [
        ("state", state),
        ("function", [("strong", clean(function.name)), ("dim", described(details))]),
        (
            "source",
            [
                (None, clean(look.short(f"{function.scan_path}/{function.module_path}"))),
                ("dim", f":{function.line}"),
            ],
        ),
        ("schedule", [(None, _words(function, details))]),
        ("@schedule", [("dim", as_written(function, details))]),
        ("options", [("dim", options(function, details) if details else "")]),
    ]


def right_facts(
    entry: Entry,
    details: FunctionDetails | None,
    *,
    stats: FunctionStats | None,
    marks: Sequence[Mark],
    look: Look,
) -> list[Fact]:
    """Return next and last run, the last 24 hours, durations and lateness."""
    role, text = next_run(entry, look)
    following = [look.moment(at) for at in fire_times(entry.function, details, look.now)]
    then = f"   then {', '.join(following[1:])}" if following[1:] else ""
    took = entry.function.last_duration_seconds
    return [
        ("next run", [(role, text), ("dim", then)]),
        (
            "last run",
            [
                (None, last_run(entry, look)),
                ("dim", "" if took is None else f"   took {duration(took)}"),
            ],
        ),
        ("24 h", _day(stats)),
        (
            "durations",
            [
                *history(marks, min(len(marks), 16), look),
                (None, "  "),
                ("dim", _spread(stats.durations if stats else None)),
            ],
        ),
        ("lateness", _lateness(stats)),
        ("late by", _late_by(stats, look)),
    ]


def fire_times(function: FunctionRow, details: FunctionDetails | None, now: float) -> list[float]:
    """Return the next slots, the one that is due first; [] when it has none."""
    if function.state != "active" or not function.enabled or function.next_run_at is None:
        return []
    times = [function.next_run_at]
    if details is None:
        return times
    try:
        trigger = build_trigger(
            interval_seconds=function.interval_seconds,
            anchor_at=details.anchor_at,
            cron=function.cron,
            timezone=details.timezone,
        )
    except ScheduleError:
        return times
    while len(times) < FIRE_TIMES:
        following = trigger.next_after(max(times[-1], now) if len(times) == 1 else times[-1])
        if following is None:
            break
        times.append(following)
    return times


def as_written(function: FunctionRow, details: FunctionDetails | None) -> str:
    """Return the argument of @schedule as one would write it."""
    if function.cron is not None:
        zone = f', timezone="{details.timezone}"' if details and details.timezone else ""
        return clean(f'cron="{function.cron}"{zone}')
    seconds = function.interval_seconds or 0.0
    return f"timedelta({_arguments(seconds)})"


def options(function: FunctionRow, details: FunctionDetails) -> str:
    """Return the overlap and catch-up rules, and what else is not as usual."""
    parts = [f"overlap {details.overlap}", f"catch-up {details.catch_up}"]
    if details.retries:
        parts.append(f"{plural(details.retries, 'retry').replace('retrys', 'retries')}")
    if details.timeout_seconds:
        parts.append(f"time-out {every(details.timeout_seconds)}")
    if function.grace_seconds is not None:
        parts.append(f"grace {every(function.grace_seconds)}")
    if details.jitter_seconds:
        parts.append(f"jitter {every(details.jitter_seconds)}")
    if details.priority:
        parts.append(f"priority {details.priority}")
    if details.isolated:
        parts.append("isolated")
    return ", ".join(parts)


def _words(function: FunctionRow, details: FunctionDetails | None) -> str:
    if function.cron is None and function.interval_seconds is None:
        return "by hand only"
    return clean(
        describe(
            interval_seconds=function.interval_seconds,
            cron=function.cron,
            timezone=details.timezone if details else None,
        )
    )


def _arguments(seconds: float) -> str:
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= unit and seconds % unit == 0:
            return f"{name}={seconds / unit:.0f}"
    return f"seconds={seconds:g}"


def _day(stats: FunctionStats | None) -> Line:
    if stats is None:
        return [("dim", "reading")]
    counts = dict(stats.counts)
    failed = sum(counts.get(status, 0) for status in FAILED)
    line: Line = [(None, plural(counts.get("success", 0) + failed, "run"))]
    if failed:
        line += [(None, ", "), ("fail", f"{failed:,} failed")]
    for status in ("skipped", "missed", "cancelled"):
        if counts.get(status):
            line.append(("warn" if status == "missed" else "dim", f", {counts[status]:,} {status}"))
    return line


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return f"p50 {duration(spread.p50)}  p95 {duration(spread.p95)}  max {duration(spread.top)}"


def _lateness(stats: FunctionStats | None) -> Line:
    if stats is None or stats.lateness is None:
        return [("dim", "nothing measured yet")]
    late = stats.lateness
    line: Line = [(None, f"p50 {duration(late.p50)}  p95 {duration(late.p95)}")]
    if stats.queue_waits:
        line.append(("dim", f"   of it in the queue p95 {duration(stats.queue_waits.p95)}"))
    return line


def _late_by(stats: FunctionStats | None, look: Look) -> Line:
    if stats is None or not any(stats.lateness_histogram):
        return [("dim", "no run in 24 h")]
    first, last = every(LATENESS_STEPS[0]), every(LATENESS_STEPS[-1])
    return [
        ("dim", f"<{first} "),
        *_histogram(stats.lateness_histogram, look),
        ("dim", f" >{last}   runs of the last 24 h"),
    ]


def _histogram(counts: Sequence[int], look: Look) -> Line:
    """One bar for each step of lateness; what came later than the last step is a warning."""
    bars = look.glyphs.bars
    top = max(counts)
    signs = [
        bars[-(-count * len(bars) // top) - 1] if count else look.glyphs.wait for count in counts
    ]
    return [("bars", "".join(signs[:-1])), ("warn" if counts[-1] else "bars", signs[-1])]
