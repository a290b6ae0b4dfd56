"""Slots that were due when their function went off its schedule, and that nobody had decided."""

from collections.abc import Mapping
from typing import Any

from scheduler.db.slot_rows import write_decided_rows
from scheduler.policy import decide_off
from scheduler.triggers import build_trigger

SCHEDULE_COLUMNS = ("id", "interval_seconds", "anchor_at", "cron", "timezone", "next_run_at")


def answer_overdue(
    function: Mapping[str, Any], *, until: float, reason: str, now: float
) -> float | None:
    """Record what of a function was due, at `until` at the latest, by a row that did not run.

    function: its row, with SCHEDULE_COLUMNS. Returns its next slot; call it in a transaction.
    """
    next_run_at: float | None = function["next_run_at"]
    if next_run_at is None or next_run_at > until:
        return next_run_at
    try:
        trigger = build_trigger(**{column: function[column] for column in SCHEDULE_COLUMNS[1:5]})
        decision = decide_off(trigger, next_run_at=next_run_at, now=until, reason=reason)
    except Exception:  # noqa: BLE001 - poison: nobody can tell its slots, and it may be mended now
        return next_run_at
    write_decided_rows(function["id"], decision, now)
    return decision.next_run_at
