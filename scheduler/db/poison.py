"""Poison: slots whose decision raises get their verdict here, and their function a later look."""

from scheduler.clock import round_ms
from scheduler.db.slot_rows import UNLESS_DECIDED, settle_roots
from scheduler.db.statements import change, transaction
from scheduler.policy import DueFunction

POSTPONED_SECONDS = 60.0


def postpone(due: DueFunction, error: BaseException, now: float) -> None:
    """Record slots whose decision raises as an error of their function, and look again later.

    The row answers also for the slots until then, so that each has its verdict.
    """
    again_at = round_ms(now + POSTPONED_SECONDS)
    last_slot_at, slots = _slots_before(due, again_at)
    with transaction():
        change(
            "INSERT INTO run_logs (function_id, attempt, status, trigger, scheduled_for, "
            "covers_from, slots, finished_at, error_type, error_message, reason, sends, "
            "output_bytes) VALUES (?, 1, 'error', 'schedule', ?, ?, ?, ?, ?, ?, ?, 0, 0) "
            f"{UNLESS_DECIDED}",
            [
                due.id,
                last_slot_at,
                due.next_run_at,
                slots,
                now,
                type(error).__name__,
                str(error),
                "the scheduler could not decide this slot",
            ],
        )
        settle_roots()
        change(
            "UPDATE scheduled_functions SET next_run_at = ?, last_status = 'error', "
            "consecutive_failures = consecutive_failures + 1 WHERE id = ? AND next_run_at = ?",
            [again_at, due.id, due.next_run_at],
        )


def _slots_before(due: DueFunction, at: float) -> tuple[float, int]:
    """Return the last slot before an instant and how many there are from the next one on.

    Where not even the grid can be told, all instants up to there count as one slot.
    """
    end_at = round_ms(at - 0.001)
    try:
        last = due.trigger.latest_until(end_at)
        if last is None or last < due.next_run_at:
            return due.next_run_at, 1
        return last, due.trigger.count(due.next_run_at, last)
    except Exception:  # noqa: BLE001 - whatever makes the schedule impossible to evaluate
        return end_at, 1
