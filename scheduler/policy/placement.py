"""Where a function stands on its grid: its anchor and next slot when it is new, changed or back."""

from dataclasses import dataclass

from scheduler.clock import round_ms
from scheduler.decorators import ScheduleSpec
from scheduler.policy.decisions import AHEAD_SECONDS
from scheduler.triggers import (
    CronTrigger,
    IntervalTrigger,
    Trigger,
    first_from,
    start_at,
)


@dataclass(frozen=True, slots=True)
class Placement:
    """A place on the grid, in epoch seconds; `anchor_at` is None for cron."""

    anchor_at: float | None
    next_run_at: float | None


def place_new(spec: ScheduleSpec, *, timezone: str, now: float) -> Placement:
    """Place a function that was discovered at `now`; `timezone` is the one it resolves to.

    An interval runs at once and is anchored there; with a `start` its first slot is the first
    point of that grid from now on. Cron begins with the first fire after discovery.
    """
    if spec.cron is not None:
        return Placement(None, CronTrigger(spec.cron, timezone).next_after(now))
    if spec.start is not None:
        anchor = start_at(spec.start, timezone)
        return Placement(anchor, first_from(_interval(spec, anchor), now))
    return Placement(round_ms(now), round_ms(now))


def place_changed(
    spec: ScheduleSpec, *, timezone: str, last_slot_at: float | None, now: float
) -> Placement:
    """Place a function whose interval, cron, time zone or start was edited.

    A new interval counts from the last decided slot, which may lie a moment ahead; if that has
    passed, the function runs now and its grid begins there, so that every slot lies on the grid it
    is explained by.
    """
    is_counted = spec.cron is None and spec.start is None
    if not is_counted or last_slot_at is None or last_slot_at > now + AHEAD_SECONDS:
        return place_new(spec, timezone=timezone, now=now)
    following = _interval(spec, last_slot_at).next_after(last_slot_at)
    if following < now:
        return place_new(spec, timezone=timezone, now=now)
    return Placement(last_slot_at, following)


def place_returned(trigger: Trigger, *, next_run_at: float | None, now: float) -> float | None:
    """Return the next slot of a function that was gone: the old grid, from now on.

    `next_run_at` is what it was when the function went; what came due while it was gone were no
    slots of it.
    """
    if next_run_at is not None and next_run_at >= now:
        return next_run_at
    return first_from(trigger, now)


def decide_clock_set_back(
    trigger: Trigger, *, next_run_at: float, has_start: bool, now: float
) -> Placement | None:
    """Return the new place of a function whose next slot a clock set back put out of reach.

    None when it is less than one interval further away than it should be. An interval gets a new
    anchor at now; cron and a grid with a `start` keep their grid, and those of its slots that have
    a row are decided already.
    """
    if not isinstance(trigger, IntervalTrigger):
        following = trigger.next_after(now)
        second = None if following is None else trigger.next_after(following)
        is_far = second is not None and next_run_at > second
        return Placement(None, following) if is_far else None
    anchor = trigger.anchor_at
    is_first = has_start and next_run_at <= round_ms(anchor)
    if is_first or next_run_at - now <= 2 * trigger.interval_seconds:
        return None
    if has_start:
        return Placement(anchor, first_from(trigger, now))
    return Placement(round_ms(now), round_ms(now))


def _interval(spec: ScheduleSpec, anchor_at: float) -> IntervalTrigger:
    assert spec.interval_seconds is not None, "a spec has an interval or cron"
    return IntervalTrigger(spec.interval_seconds, anchor_at)
