"""Scheduled functions: looked up by name, paused and resumed by people, gone with their code."""

from collections.abc import Collection, Sequence

from scheduler.db.locks import lock_functions
from scheduler.db.overdue import SCHEDULE_COLUMNS, answer_overdue
from scheduler.db.slot_rows import write_decided_rows
from scheduler.db.statements import change, placeholders, reading, rows, transaction
from scheduler.errors import NotFoundError
from scheduler.policy import DISABLED, GONE_FIRST, PAUSED, decide_resume
from scheduler.triggers import build_trigger
from scheduler.wording import did_you_mean

BATCH = 500
_SKIP_AHEAD = """
    UPDATE run_logs SET status = 'skipped', reason = ?, finished_at = ?,
        queued_at = NULL, available_at = NULL, sent_at = NULL, sends = 0
    WHERE function_id = ? AND trigger = 'schedule' AND attempt = 1 AND status = 'queued'
        AND claimed_by IS NULL AND scheduled_for > ?
        AND EXISTS (SELECT 1 FROM scheduled_functions f WHERE f.id = function_id
            AND f.state = 'active')
"""


def find_id(name: str) -> int:
    """Return the id of a function; raises NotFoundError with the names that look alike."""
    with reading():
        found = rows("SELECT id FROM scheduled_functions WHERE name = ?", [name])
        if found:
            return int(found[0][0])
        names = [known for (known,) in rows("SELECT name FROM scheduled_functions ORDER BY name")]
    hint = did_you_mean(name, names) or "`scheduler list` shows all"
    raise NotFoundError(f"there is no scheduled function '{name}'; {hint}")


def pause(name: str, now: float) -> bool:
    """Stop deciding a function's slots until it is resumed; False if it is not active.

    A slot that was decided already, but comes after now, is skipped.
    """
    function_id = find_id(name)
    with transaction():
        change(_SKIP_AHEAD, [PAUSED, now, function_id, now])
        return (
            change(
                "UPDATE scheduled_functions SET state = 'paused', paused_at = ? "
                "WHERE id = ? AND state = 'active'",
                [now, function_id],
            )
            == 1
        )


def resume(name: str, now: float) -> bool:
    """Let a paused function go on with its grid; False if it is not paused.

    The slots of the pause become one skipped row.
    """
    function_id = find_id(name)
    with transaction():
        found = rows(
            "SELECT interval_seconds, anchor_at, cron, timezone, next_run_at "
            "FROM scheduled_functions WHERE id = ? AND state = 'paused'",
            [function_id],
        )
        if not found:
            return False
        interval_seconds, anchor_at, cron, timezone, next_run_at = found[0]
        decision = decide_resume(
            build_trigger(
                interval_seconds=interval_seconds, anchor_at=anchor_at, cron=cron, timezone=timezone
            ),
            next_run_at=next_run_at,
            now=now,
            reason=PAUSED,
        )
        write_decided_rows(function_id, decision, now)
        change(
            "UPDATE scheduled_functions SET state = 'active', paused_at = NULL, next_run_at = ? "
            "WHERE id = ?",
            [decision.next_run_at, function_id],
        )
    return True


def mark_gone(names: Sequence[str], now: float) -> None:
    """Take functions that are no longer in the code off the schedule; their history stays."""
    for at in range(0, len(names), BATCH):
        chunk = names[at : at + BATCH]
        with transaction():
            lock_functions("name", chunk)
            _answer_for_those_going(chunk, now)
            change(
                "UPDATE scheduled_functions SET state = 'gone', gone_at = ?, back_at = NULL, "
                "paused_at = CASE WHEN state = 'paused' THEN paused_at END "
                f"WHERE state != 'gone' AND name IN ({placeholders(len(chunk))})",
                [now, *chunk],
            )


def _answer_for_those_going(names: Sequence[str], now: float) -> None:
    """Answer the slots of functions that are about to go, as far as they were due."""
    found = rows(
        f"SELECT {', '.join(SCHEDULE_COLUMNS)}, enabled FROM scheduled_functions "
        f"WHERE state = 'active' AND next_run_at <= ? AND name IN ({placeholders(len(names))})",
        [now, *names],
    )
    for *schedule, enabled in found:
        function = dict(zip(SCHEDULE_COLUMNS, schedule, strict=True))
        reason = GONE_FIRST if enabled else DISABLED
        next_run_at = answer_overdue(function, until=now, reason=reason, now=now)
        change(
            "UPDATE scheduled_functions SET next_run_at = ? WHERE id = ?",
            [next_run_at, function["id"]],
        )


def count_present() -> int:
    """Return how many functions are in the code, as far as the table knows."""
    with reading():
        ((count,),) = rows("SELECT COUNT(*) FROM scheduled_functions WHERE state != 'gone'")
    return int(count)


def fetch_paths(names: Collection[str]) -> dict[str, str]:
    """Return in which files the functions of these names are, of those that are not gone."""
    return {
        name: f"{scan_path}/{module_path}"
        for name, scan_path, module_path, _ in _fetch_places("name", names)
    }


def fetch_names_in(files: Collection[tuple[str, str]]) -> dict[str, tuple[str, int]]:
    """Return the functions in these files, (scan_path, module_path), that are not gone.

    Each name with its file's path and its line.
    """
    return {
        name: (f"{scan_path}/{module_path}", line)
        for name, scan_path, module_path, line in _fetch_places(
            "module_path", {module_path for _, module_path in files}
        )
        if (scan_path, module_path) in files
    }


def _fetch_places(column: str, values: Collection[str]) -> list[tuple[str, str, str, int]]:
    """Return (name, scan_path, module_path, line) of those not gone that a column selects."""
    wanted, found = list(values), []
    with reading():
        for at in range(0, len(wanted), BATCH):
            batch = wanted[at : at + BATCH]
            found += rows(
                "SELECT name, scan_path, module_path, line FROM scheduled_functions "
                f"WHERE state != 'gone' AND {column} IN ({placeholders(len(batch))})",
                batch,
            )
    return [(name, scan_path, module_path, line) for name, scan_path, module_path, line in found]


def fetch_sources() -> list[tuple[str, str, str]]:
    """Return (scan_path, module_path, source_hash) of the files that have functions on schedule."""
    with reading():
        found = rows(
            "SELECT DISTINCT scan_path, module_path, source_hash FROM scheduled_functions "
            "WHERE state = 'active' AND enabled"
        )
    return [(scan_path, module_path, source_hash) for scan_path, module_path, source_hash in found]


def fetch_places_in(files: Collection[tuple[str, str]]) -> dict[int, tuple[str, str]]:
    """Return the functions on schedule in these files, (scan_path, module_path).

    The id of each with its file's path and its name.
    """
    with reading():
        found = rows(
            "SELECT id, name, scan_path, module_path FROM scheduled_functions "
            "WHERE state = 'active' AND enabled"
        )
    return {
        function_id: (f"{scan_path}/{module_path}", name)
        for function_id, name, scan_path, module_path in found
        if (scan_path, module_path) in files
    }


def fetch_unseen(seen_at: float) -> list[tuple[str, str, str]]:
    """Return (name, scan_path, module_path) of the functions that are not gone, but were last seen
    at another instant than this."""
    with reading():
        found = rows(
            "SELECT name, scan_path, module_path FROM scheduled_functions WHERE state != 'gone' "
            "AND last_seen_at != ?",
            [seen_at],
        )
    return [(name, scan_path, module_path) for name, scan_path, module_path in found]
