"""What scans write: new functions placed on their grid, changed ones moved, the others seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scheduler.db.locks import lock_functions
from scheduler.db.overdue import answer_overdue
from scheduler.db.slot_rows import write_decided_rows
from scheduler.db.statements import change, change_many, placeholders, rows, transaction
from scheduler.policy import (
    CHANGED_FIRST,
    DISABLED,
    OFF_FIRST,
    PAUSED,
    decide_resume,
    place_changed,
    place_new,
    place_returned,
)
from scheduler.runner.inspection import FoundFunction
from scheduler.triggers import JUST_BEFORE, Trigger, build_trigger

BATCH = 500

# What a scan finds of a function, in the order of `_found_values`.
_FOUND = (
    "scan_path",
    "module_path",
    "qualname",
    "line",
    "description",
    "interval_seconds",
    "cron",
    "timezone",
    "start",
    "jitter_seconds",
    "catch_up",
    "grace_seconds",
    "overlap",
    "timeout_seconds",
    "retries",
    "retry_delay_seconds",
    "retry_backoff",
    "priority",
    "isolated",
    "enabled",
    "source_hash",
)
_SCHEDULE = frozenset({"interval_seconds", "cron", "timezone", "start"})
_PLACE = ("anchor_at", "next_run_at", "schedule_since_at", "state", "back_at")
_KNOWN = ("id", "name", *_FOUND, *_PLACE, "paused_at", "gone_at")


@dataclass(frozen=True, slots=True)
class Upserted:
    """How many functions were new, changed and seen as they were."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0


def upsert_scheduled_function(found: FoundFunction, *, timezone: str, now: float) -> None:
    """Insert or update one function; unchanged code resets nothing."""
    upsert_functions([found], timezone=timezone, now=now)


def upsert_functions(found: Sequence[FoundFunction], *, timezone: str, now: float) -> Upserted:
    """Insert or update what a scan found; `timezone` is for functions that name none.

    A few hundred functions a transaction, so that ticks get between.
    """
    total = Upserted()
    for at in range(0, len(found), BATCH):
        part = _upsert_batch(found[at : at + BATCH], timezone=timezone, now=now)
        total = Upserted(
            total.new + part.new, total.changed + part.changed, total.unchanged + part.unchanged
        )
    return total


def _upsert_batch(found: Sequence[FoundFunction], *, timezone: str, now: float) -> Upserted:
    names = [function.name for function in found]
    with transaction():
        lock_functions("name", names)
        known = _fetch_known(names)
        new, unchanged_ids, changed = [], [], 0
        for function in found:
            values = _found_values(function, timezone)
            before = known.get(function.name)
            if before is None:
                new.append((function, values))
            elif before["state"] != "gone" and all(before[k] == v for k, v in values.items()):
                unchanged_ids.append(before["id"])
            else:
                _update(before, function, values, now)
                changed += 1
        _insert(new, now)
        if unchanged_ids:
            change(
                "UPDATE scheduled_functions SET last_seen_at = ? "
                f"WHERE id IN ({placeholders(len(unchanged_ids))})",
                [now, *unchanged_ids],
            )
    return Upserted(len(new), changed, len(unchanged_ids))


def _fetch_known(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    found = rows(
        f"SELECT {', '.join(_KNOWN)} FROM scheduled_functions "
        f"WHERE name IN ({placeholders(len(names))})",
        names,
    )
    known = [dict(zip(_KNOWN, row, strict=True)) for row in found]
    return {row["name"]: row for row in known}


def _found_values(function: FoundFunction, timezone: str) -> dict[str, Any]:
    spec = function.spec
    own = {column: getattr(function, column) for column in _FOUND if hasattr(function, column)}
    of_spec = {column: getattr(spec, column) for column in _FOUND if column not in own}
    values = own | of_spec | {"timezone": spec.timezone or timezone}
    return {column: values[column] for column in _FOUND}


def _insert(new: Sequence[tuple[FoundFunction, dict[str, Any]]], now: float) -> None:
    columns = ("name", *_FOUND, *_PLACE, "first_seen_at", "last_seen_at", "consecutive_failures")
    change_many(
        f"INSERT INTO scheduled_functions ({', '.join(columns)}) "
        f"VALUES ({placeholders(len(columns))}) ON CONFLICT (name) DO NOTHING",
        [_new_row(function, values, now) for function, values in new],
    )


def _new_row(function: FoundFunction, values: dict[str, Any], now: float) -> list[Any]:
    place = place_new(function.spec, timezone=values["timezone"], now=now)
    return [
        function.name,
        *values.values(),
        place.anchor_at,
        place.next_run_at,
        now,
        "active",
        None,
        now,
        now,
        0,
    ]


def _update(
    before: dict[str, Any], function: FoundFunction, values: dict[str, Any], now: float
) -> None:
    place = {column: before[column] for column in _PLACE}
    is_back, is_paused = before["state"] == "gone", before["paused_at"] is not None
    was_on = before["state"] == "active" and before["enabled"]
    if any(before[column] != values[column] for column in _SCHEDULE):
        place |= _move(before, function, values["timezone"], now)
    elif is_back:
        place["next_run_at"] = _return(before, _trigger(values, before["anchor_at"]), now)
    elif was_on and not values["enabled"]:
        place["next_run_at"] = answer_overdue(before, until=now, reason=OFF_FIRST, now=now)
    elif values["enabled"] and not before["enabled"]:
        decision = decide_resume(
            _trigger(values, before["anchor_at"]),
            next_run_at=before["next_run_at"],
            now=now,
            reason=DISABLED,
        )
        write_decided_rows(before["id"], decision, now)
        place |= {"next_run_at": decision.next_run_at}
    if is_back:
        place |= {"state": "paused" if is_paused else "active", "back_at": now}
    assigned = values | place | {"last_seen_at": now}
    change(
        f"UPDATE scheduled_functions SET {', '.join(f'{column} = ?' for column in assigned)} "
        "WHERE id = ?",
        [*assigned.values(), before["id"]],
    )


def _move(
    before: dict[str, Any], function: FoundFunction, timezone: str, now: float
) -> dict[str, Any]:
    """Return a function's place on its new grid; what was due on the old one is answered."""
    moved = place_changed(
        function.spec, timezone=timezone, last_slot_at=_last_slot_at(before["id"]), now=now
    )
    until = now if moved.next_run_at is None else min(now, moved.next_run_at - JUST_BEFORE)
    _answer_old_grid(before, until, now)
    return {
        "anchor_at": moved.anchor_at,
        "next_run_at": moved.next_run_at,
        "schedule_since_at": now,
    }


def _answer_old_grid(before: dict[str, Any], until: float, now: float) -> None:
    """Answer what was due on a grid that ends: later nobody knows its slots any more."""
    is_gone = before["state"] == "gone"
    if is_gone and before["paused_at"] is None:
        return  # answered when it went
    is_paused = is_gone or before["state"] == "paused"
    reason = PAUSED if is_paused else CHANGED_FIRST if before["enabled"] else DISABLED
    until = min(until, before["gone_at"]) if is_gone else until
    answer_overdue(before, until=until, reason=reason, now=now)


def _return(before: dict[str, Any], trigger: Trigger, now: float) -> float | None:
    """Answer the slots of a pause until it was gone, when it had none; return its next one."""
    next_run_at = before["next_run_at"]
    if before["paused_at"] is not None:
        decision = decide_resume(trigger, next_run_at=next_run_at, now=before["gone_at"])
        write_decided_rows(before["id"], decision, now)
        next_run_at = decision.next_run_at
    return place_returned(trigger, next_run_at=next_run_at, now=now)


def _trigger(values: dict[str, Any], anchor_at: float | None) -> Trigger:
    return build_trigger(
        interval_seconds=values["interval_seconds"],
        anchor_at=anchor_at,
        cron=values["cron"],
        timezone=values["timezone"],
    )


def _last_slot_at(function_id: int) -> float | None:
    ((last,),) = rows(
        "SELECT MAX(scheduled_for) FROM run_logs WHERE function_id = ? AND trigger = 'schedule'",
        [function_id],
    )
    return None if last is None else float(last)
