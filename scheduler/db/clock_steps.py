"""Clock steps: what a clock that was set back has put out of reach gets its place again."""

from scheduler.db.due import trigger_of
from scheduler.db.statements import change, change_many, rows, transaction
from scheduler.errors import ScheduleError
from scheduler.policy import Placement, decide_clock_set_back
from scheduler.triggers import Trigger

CLOCK_STEP_SECONDS = 1.0  # what is less was not set, but drifted
_REQUEUE = """
    UPDATE run_logs SET sent_at = CASE WHEN sent_at > ? THEN ? ELSE sent_at END,
        available_at =
            ? + CASE WHEN available_at > queued_at THEN available_at - queued_at ELSE 0 END
    WHERE status = 'queued' AND claimed_by IS NULL AND queued_at > ? AND available_at IS NOT NULL
"""


def return_into_reach(now: float) -> list[str]:
    """Give functions that a clock set back put out of reach their new place; return their names.

    What was queued by the clock of before is available as long after now as it was to wait.
    """
    with transaction():
        change(_REQUEUE, [now, now, now, now + CLOCK_STEP_SECONDS])
        moved = [
            (
                place.anchor_at,
                place.next_run_at,
                min(now, since_at) if place.anchor_at == schedule[1] else now,
                function_id,
                name,
            )
            for function_id, name, *schedule, next_run_at, start, since_at in rows(
                "SELECT id, name, interval_seconds, anchor_at, cron, timezone, next_run_at, start, "
                "schedule_since_at FROM scheduled_functions "
                "WHERE state = 'active' AND enabled AND next_run_at > ? "
                "AND (interval_seconds IS NULL OR next_run_at > ? + 2 * interval_seconds) "
                "ORDER BY id",
                [now, now],
            )
            if (place := _place_in_reach(trigger_of(*schedule), next_run_at, start, now))
        ]
        change_many(
            "UPDATE scheduled_functions SET anchor_at = ?, next_run_at = ?, "
            "schedule_since_at = ? WHERE id = ?",
            [values[:-1] for values in moved],
        )
    return [name for *_, name in moved]


def _place_in_reach(
    trigger: Trigger, next_run_at: float, start: float | None, now: float
) -> Placement | None:
    try:
        return decide_clock_set_back(
            trigger, next_run_at=next_run_at, has_start=start is not None, now=now
        )
    except ScheduleError:
        return None  # one that cannot be read any more is told when it is due
