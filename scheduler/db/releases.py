"""Held runs: the oldest one is released when nothing before it is open any more."""

from scheduler.db.messages import MESSAGE_COLUMNS, Message, messages
from scheduler.db.statements import rows, transaction

_RELEASE = f"""
    UPDATE run_logs SET available_at = ?, sent_at = ?, sends = 1 WHERE id IN (
        SELECT MIN(held.id) FROM run_logs held
        WHERE held.status IN ('queued', 'running') AND held.available_at IS NULL {{only}}
        AND NOT EXISTS (
            SELECT 1 FROM run_logs blocker WHERE blocker.function_id = held.function_id
            AND blocker.status IN ('queued', 'running') AND blocker.available_at IS NOT NULL
        )
        GROUP BY held.function_id
    )
    RETURNING {MESSAGE_COLUMNS}
"""
_HAS_HELD = """
    SELECT 1 FROM run_logs WHERE function_id = ? AND status IN ('queued', 'running')
    AND available_at IS NULL LIMIT 1
"""


def release_next(function_id: int, now: float) -> list[Message]:
    """Release the function's oldest held run unless something before it is still open.

    Call it in the transaction that ended an attempt; send what it returns after the commit.
    """
    if not rows(_HAS_HELD, [function_id]):
        return []
    return messages(_RELEASE.format(only="AND held.function_id = ?"), [now, now, function_id])


def release_forgotten(now: float) -> list[Message]:
    """Release every function's oldest held run that nothing holds any more (a sweep)."""
    with transaction():
        return messages(_RELEASE.format(only=""), [now, now])
