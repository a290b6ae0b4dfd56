"""`explain`: why a function did or did not run at a time."""

from scheduler.cli.context import Context
from scheduler.cli.queue_server import PATIENCE_SECONDS, REACH_REMEDY, find_queue_fault
from scheduler.cli.screen import Cell
from scheduler.cli.standing import hindrance, why_broken, why_gone
from scheduler.cli.states import status_cell
from scheduler.cli.times import Times
from scheduler.cli.verdicts import Explanation, explain_instant, first_slot_within, slots_around
from scheduler.cli.waiting import count_free_slots
from scheduler.db.report_rows import FunctionReport, RunReport
from scheduler.db.reports import find_function
from scheduler.errors import EXIT_OK
from scheduler.maintenance.conditions import has_ticker, list_processes
from scheduler.maintenance.congestion import IDLE_SECONDS
from scheduler.phrases import describe
from scheduler.wording import duration, plural, visible

_SKIPPED = "the clock skips this time on that day; what cron fixes to it runs at once after the gap"
_OTHER = {
    "future": Cell("· to come", "busy"),
    "undecided": Cell("· not decided yet", "busy"),
    "paused": Cell("- paused", "dim"),
    "disabled": Cell("- disabled", "dim"),
    "gone": Cell("- gone", "dim"),
    "no_slot": Cell("- no slot", "dim"),
    "before_discovery": Cell("- before it was discovered", "dim"),
    "pruned": Cell("- deleted", "dim"),
    "unknown": Cell("? unknown", "warn"),
}


def explain(context: Context) -> int:
    """Print the verdict of a slot; for a time between slots that of the slot before it too."""
    context.open_database()
    function = find_function(context.args.name)
    now = context.clock.now()
    times = Times(now, function.timezone or context.config.timezone)
    is_ticking = has_ticker(list_processes(context.config, now))
    at, before_at = _meant(function, times, context.args.time)
    answer = explain_instant(function, at, now=now, has_ticker=is_ticking)
    before = before_at and explain_instant(function, before_at, now=now, has_ticker=is_ticking)
    if context.args.json:
        context.screen.json(answer)
        return EXIT_OK
    _print_head(context, function)
    _print(context, answer, times)
    if times.is_skipped(context.args.time):
        context.screen.line(f"  {_SKIPPED}")
    if fault := _queue_fault(context, answer, now):
        context.screen.line(f"  {fault}; {REACH_REMEDY}")
    if before:
        context.screen.line("\nThe slot before it:")
        _print(context, before, times)
    elif answer.next_slot_at is not None and answer.slot_at is not None:
        following = f"{times.full(answer.next_slot_at)}, {times.until(answer.next_slot_at)}"
        skipped = ", to be skipped" if hindrance(function) else ""
        context.screen.line(f"  next slot: {following.removesuffix(', due')}{skipped}")
    return EXIT_OK


def _queue_fault(context: Context, answer: Explanation, now: float) -> str | None:
    """Say why the queue cannot be reached, if the run waits although a slot is free."""
    last = answer.runs[0] if answer.runs else None
    if last is None or last.status != "queued" or last.available_at is None:
        return None
    has_room = count_free_slots(list_processes(context.config, now), now) > 0
    waits_long = now - last.ready_at > IDLE_SECONDS
    return find_queue_fault(context.config, PATIENCE_SECONDS) if has_room and waits_long else None


def _meant(function: FunctionReport, times: Times, text: str) -> tuple[float, float | None]:
    """Return the instant that is asked about, and the slot before it if it is none itself.

    Who asks without a time means the last slot, or the first one where none has been yet.
    """
    moment = times.parse_moment(text)
    slot = first_slot_within(function, moment.at, moment.within_seconds)
    if slot is not None:
        return slot, None
    before, after = slots_around(function, moment.at)
    if text != "now":
        return moment.at, before
    return next((slot for slot in (before, after) if slot is not None), moment.at), None


def _print_head(context: Context, function: FunctionReport) -> None:
    schedule = describe(
        interval_seconds=function.interval_seconds,
        cron=function.cron,
        timezone=function.timezone,
    )
    context.screen.line(f"{context.screen.paint(function.name, 'bold')}, {schedule}")
    if function.state == "gone":
        context.screen.line(why_gone(function, context.config, context.clock.now()))
    elif (why := hindrance(function)) or (why := why_broken(function)):
        context.screen.line(context.advised(why))


def _print(context: Context, answer: Explanation, times: Times) -> None:
    screen = context.screen
    verdict = _OTHER.get(answer.verdict) or status_cell(answer.verdict)
    screen.line(f"{_both_zones(answer.at, times)}: {screen.paint(verdict.text, verdict.role)}")
    screen.line(f"  {visible(answer.why)}")
    if answer.gone_at is not None:
        screen.line(f"  {_absence(answer.gone_at, answer.back_at, times)}")
    for run in answer.runs:
        screen.line(f"  {_attempt(run, times)}")
    if answer.blocker is not None:
        screen.line(f"  the run before: {_attempt(answer.blocker, times)}")
    if answer.slot_at is None:
        for label, slot in (("before", answer.previous_slot_at), ("after", answer.next_slot_at)):
            if slot is not None:
                screen.line(f"  nearest slot {label}: {_both_zones(slot, times)}")


def _absence(gone_at: float, back_at: float | None, times: Times) -> str:
    if back_at is None:
        return f"gone since {times.full(gone_at)}"
    return f"gone from {times.full(gone_at)} to {times.full(back_at)}"


def _both_zones(at: float, times: Times) -> str:
    local = times.full(at)
    if times.zone_name == "UTC":
        return local
    return f"{local} ({Times(times.now, 'UTC').full(at)})"


def _attempt(run: RunReport, times: Times) -> str:
    parts = [f"run {run.id}", f"attempt {run.attempt}", run.status]
    if run.slots > 1:
        first, last = times.clock(run.covers_from), times.clock(run.scheduled_for)
        parts.append(f"for the {plural(run.slots, 'slot')} from {first} to {last}")
    if run.started_at is not None:
        late = duration(run.started_at - run.scheduled_for)
        what = "the slot" if run.trigger == "schedule" else "it was queued by hand"
        after = f" ({late} after {what})" if run.attempt == 1 else ""
        parts.append(f"started {times.clock(run.started_at)}{after}")
    if run.duration_seconds is not None:
        parts.append(f"took {duration(run.duration_seconds)}")
    return ", ".join(parts)
