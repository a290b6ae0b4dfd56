"""Finish and reap: the fenced changes that give an attempt its final verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from scheduler.crashpoints import crash_point
from scheduler.db.claims import ClaimedRun, fetch_claimed
from scheduler.db.messages import Message
from scheduler.db.releases import release_next
from scheduler.db.statements import change, change_function_at_end, reading, rows, transaction
from scheduler.executor.call import Outcome
from scheduler.policy import retry_delay
from scheduler.statuses import FAILED

# How the reason of a run begins that an orderly stop ended: no failure of its function.
CUT_OFF = "cut off"

_FINISH = """
    UPDATE run_logs SET status = ?, started_at = COALESCE(?, started_at), finished_at = ?,
        error_type = ?, error_message = ?, traceback = ?, exit_code = ?, signal = ?, reason = ?,
        output = ?, output_bytes = ?, result = ?, source_hash = ?, peak_rss_bytes = ?,
        cpu_seconds = ?
    WHERE id = ? AND status = 'running' AND claimed_by = ?
"""
_FINISH_CANCELLED = _FINISH.replace("reason = ?", "reason = COALESCE(?, reason)")
_SUMMARY = """
    UPDATE scheduled_functions SET last_status = ?,
        last_started_at = CASE WHEN last_started_at > ? THEN last_started_at
            ELSE COALESCE(?, last_started_at) END,
        last_duration_seconds = (SELECT finished_at - started_at FROM run_logs WHERE id = ?),
        consecutive_failures = CASE ? WHEN 'success' THEN 0 WHEN 'cancelled' THEN
            consecutive_failures ELSE consecutive_failures + 1 END
    WHERE id = ?
"""
_RETRY = """
    INSERT INTO run_logs (function_id, root_id, attempt, status, trigger, scheduled_for,
        covers_from, slots, queued_at, available_at, sends, output_bytes)
    VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, 0, 0)
    ON CONFLICT (root_id, attempt) DO NOTHING
"""
_IS_ABSENT = "claimed_by NOT IN (SELECT id FROM processes WHERE state != 'lost')"


@dataclass(frozen=True, slots=True)
class Finished:
    """What a finish did: whether the verdict was accepted, and what follows from it."""

    is_accepted: bool
    messages: list[Message] = field(default_factory=list)
    retry_at: float | None = None


def finish(run: ClaimedRun, outcome: Outcome, worker_id: str, now: float) -> Finished:
    """Write the verdict, its retry or the release of the next held run, in one transaction.

    Refused (`is_accepted` False) when the row is not this worker's running attempt any more.
    """
    crash_point("finish.before")
    began_at, ended_at = _measured(run, outcome, now)
    with transaction():
        written = change(
            _FINISH_CANCELLED if outcome.status == "cancelled" else _FINISH,
            [
                outcome.status,
                began_at,
                ended_at,
                outcome.error_type,
                outcome.error_message,
                outcome.traceback,
                outcome.exit_code,
                outcome.signal,
                outcome.reason,
                outcome.output,
                outcome.output_bytes,
                outcome.result,
                outcome.source_hash,
                outcome.peak_rss_bytes,
                outcome.cpu_seconds,
                run.id,
                worker_id,
            ],
        )
        finished = Finished(False)
        if written:
            finished = _follow_up(run, outcome.status, outcome.reason, now, began_at)
        crash_point("finish.uncommitted")
    return finished


def lose(run_id: int, worker_id: str, *, reason: str, now: float) -> Finished:
    """Give a running attempt of a worker that no longer runs it the verdict `lost`."""
    with transaction():
        written = change(
            "UPDATE run_logs SET status = 'lost', finished_at = ?, reason = ? "
            "WHERE id = ? AND status = 'running' AND claimed_by = ?",
            [now, reason, run_id, worker_id],
        )
        if not written:
            return Finished(False)
        return _follow_up(fetch_claimed(run_id), "lost", reason, now)


def reap(worker_id: str, *, reason: str, now: float) -> list[Finished]:
    """Give everything that a dead worker was running the verdict `lost`."""
    crash_point("reap.before")
    with transaction():
        lost = [
            lose(run_id, worker_id, reason=reason, now=now) for run_id in fetch_running(worker_id)
        ]
        crash_point("reap.uncommitted")
    return lost


def fetch_absent_owners(before: float) -> list[str]:
    """Return who claimed attempts before an instant and holds them, but is no process any more."""
    # So written, SQLite walks what runs by claimed_by, not all that ever started by started_at.
    with reading():
        return [
            str(worker_id)
            for (worker_id,) in rows(
                "SELECT claimed_by FROM run_logs WHERE status = 'running' "
                f"AND claimed_by > '' AND +started_at < ? AND {_IS_ABSENT} UNION "
                "SELECT claimed_by FROM run_logs WHERE status = 'queued' "
                f"AND claimed_by IS NOT NULL AND claimed_at < ? AND {_IS_ABSENT}",
                [before, before],
            )
        ]


def fetch_running(worker_id: str) -> Sequence[int]:
    """Return the ids of the attempts that the table says this worker is running."""
    with reading():
        found = rows(
            "SELECT id FROM run_logs WHERE status = 'running' AND claimed_by = ? ORDER BY id",
            [worker_id],
        )
    return [int(run_id) for (run_id,) in found]


def _measured(run: ClaimedRun, outcome: Outcome, now: float) -> tuple[float | None, float]:
    """Return when the call began, None: as its start says, and when it ended.

    The process that made the call knows better than the commits around it, if it can be right.
    """
    began_at, ended_at = outcome.began_at, outcome.ended_at
    if began_at is None or ended_at is None:
        return None, now
    if not run.scheduled_for <= began_at <= ended_at <= now:
        return None, now
    return began_at, ended_at


def _follow_up(
    run: ClaimedRun,
    status: str,
    reason: str | None,
    now: float,
    began_at: float | None = None,
) -> Finished:
    counts_as = "cancelled" if (reason or "").startswith(CUT_OFF) else status
    summary = [status, began_at, began_at, run.id, counts_as, run.function_id]
    change_function_at_end(run.function_id, _SUMMARY, summary)
    if status in FAILED and run.attempt <= run.retries:
        retry_at = now + retry_delay(
            run.attempt, delay_seconds=run.retry_delay_seconds, backoff=run.retry_backoff
        )
        change(
            _RETRY,
            [
                run.function_id,
                run.root_id,
                run.attempt + 1,
                run.trigger,
                run.scheduled_for,
                run.covers_from,
                run.slots,
                now,
                retry_at,
            ],
        )
        return Finished(True, retry_at=retry_at)
    return Finished(True, messages=release_next(run.function_id, now))
