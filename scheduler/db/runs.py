"""Runs outside the tick: manual requests, cancelling, live output and stacks."""

from dataclasses import dataclass

from scheduler.db.locks import lock_functions
from scheduler.db.messages import Message
from scheduler.db.releases import release_next
from scheduler.db.statements import change, reading, rows, transaction
from scheduler.errors import NotFoundError

CANCELLED_BEFORE_START = "cancelled before it started"
ON_REQUEST = "on request"


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked of a running attempt."""

    run_id: int
    wants_cancel: bool
    wants_stack: bool


def insert_run_log(
    function_id: int,
    scheduled_for: float,
    *,
    now: float,
    trigger: str = "manual",
    is_held_while_open: bool = True,
) -> tuple[int, list[Message]]:
    """Queue one run of a function; held while another of it is open, unless told otherwise.

    Returns the run's id and the message to send (none when it is held).
    """
    with transaction():
        lock_functions("id", [function_id])  # of two at once one sees the other
        open_runs = is_held_while_open and rows(
            "SELECT 1 FROM run_logs WHERE function_id = ? AND status IN ('queued', 'running') "
            "LIMIT 1",
            [function_id],
        )
        available_at = None if open_runs else now
        ((run_id,),) = rows(
            "INSERT INTO run_logs (function_id, attempt, status, trigger, scheduled_for, "
            "covers_from, slots, queued_at, available_at, sent_at, sends, output_bytes) "
            "VALUES (?, 1, 'queued', ?, ?, ?, 1, ?, ?, ?, ?, 0) RETURNING id",
            [
                function_id,
                trigger,
                scheduled_for,
                scheduled_for,
                now,
                available_at,
                available_at,
                0 if open_runs else 1,
            ],
        )
        change("UPDATE run_logs SET root_id = id WHERE id = ?", [run_id])
        ((priority,),) = rows(
            "SELECT priority FROM scheduled_functions WHERE id = ?", [function_id]
        )
    return int(run_id), [] if open_runs else [(int(run_id), int(priority))]


def cancel(run_id: int, now: float) -> tuple[str, list[Message]]:
    """Cancel a queued attempt at once, or ask the worker of a running one to.

    Returns what was done (`withdrawn`, `requested`, or the final status it already had) and the
    messages of what it had held. Raises NotFoundError.
    """
    with transaction():
        found = rows("SELECT status, function_id FROM run_logs WHERE id = ?", [run_id])
        if not found:
            raise NotFoundError(f"there is no run {run_id}; `scheduler runs` lists them")
        status, function_id = found[0]
        if status == "queued":
            cancel_queued("id = ?", [run_id], reason=CANCELLED_BEFORE_START, now=now)
            return "withdrawn", release_next(function_id, now)
        if status == "running":
            request_cancel("id = ?", [run_id], reason=ON_REQUEST, now=now)
            return "requested", []
        return str(status), []


def cancel_queued(condition: str, params: list[object], *, reason: str, now: float) -> int:
    """Cancel queued attempts, also claimed ones that have not started: their start will fail."""
    return change(
        "UPDATE run_logs SET status = 'cancelled', reason = ?, finished_at = ? "
        f"WHERE status = 'queued' AND {condition}",
        [reason, now, *params],
    )


def request_cancel(condition: str, params: list[object], *, reason: str, now: float) -> int:
    """Ask the workers of running attempts to cancel them; those that are will have the reason."""
    return change(
        "UPDATE run_logs SET cancel_requested_at = ?, reason = ? "
        f"WHERE status = 'running' AND cancel_requested_at IS NULL AND {condition}",
        [now, reason, *params],
    )


def request_stack(run_id: int, now: float) -> bool:
    """Ask for the Python stack of a running attempt; False if it does not run."""
    with transaction():
        return (
            change(
                "UPDATE run_logs SET stack_requested_at = ?, stack = NULL "
                "WHERE id = ? AND status = 'running'",
                [now, run_id],
            )
            == 1
        )


def fetch_requests(worker_id: str) -> list[Request]:
    """Return what was asked of this worker's running attempts and is not answered yet."""
    with reading():
        found = rows(
            "SELECT id, cancel_requested_at IS NOT NULL, "
            "stack_requested_at IS NOT NULL AND stack IS NULL FROM run_logs "
            "WHERE status = 'running' AND claimed_by = ? "
            "AND (cancel_requested_at IS NOT NULL OR stack_requested_at IS NOT NULL)",
            [worker_id],
        )
    return [Request(int(run_id), bool(cancel), bool(stack)) for run_id, cancel, stack in found]


def record_stack(run_id: int, stack: str) -> None:
    """Write the stack that was asked for."""
    with transaction():
        change("UPDATE run_logs SET stack = ? WHERE id = ?", [stack, run_id])


def record_output(run_id: int, output: str, output_bytes: int) -> None:
    """Write what a running attempt has printed so far."""
    with transaction():
        change(
            "UPDATE run_logs SET output = ?, output_bytes = ? WHERE id = ? AND status = 'running'",
            [output, output_bytes, run_id],
        )
