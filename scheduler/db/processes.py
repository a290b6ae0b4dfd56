"""The processes of the service as rows: registered, beating, draining, lost."""

from dataclasses import dataclass

from scheduler.db.statements import change, reading, rows, transaction

_COLUMNS = "id, role, host, pid, started_at, beat, heartbeat_at, slots, state, detail"
SELECT_PROCESSES = f"SELECT {_COLUMNS} FROM processes ORDER BY started_at, id"


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One process. state: running, draining or lost; host, pid, heartbeat_at are for display."""

    id: str
    role: str
    host: str
    pid: int
    started_at: float
    beat: int
    heartbeat_at: float
    slots: int
    state: str
    detail: str | None


def register(row: ProcessRow) -> None:
    """Insert a process; its lock must be held already."""
    with transaction():
        change(
            f"INSERT INTO processes ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                row.id,
                row.role,
                row.host,
                row.pid,
                row.started_at,
                row.beat,
                row.heartbeat_at,
                row.slots,
                row.state,
                row.detail,
            ],
        )


def beat(process_id: str, now: float, detail: str | None = None) -> bool:
    """Count one heartbeat; False when the process was declared lost or its row is gone."""
    with transaction():
        return (
            change(
                "UPDATE processes SET beat = beat + 1, heartbeat_at = ?, detail = ? "
                "WHERE id = ? AND state != 'lost'",
                [now, detail, process_id],
            )
            == 1
        )


def mark_draining(process_id: str) -> None:
    """Say that the process takes no new work."""
    with transaction():
        change(
            "UPDATE processes SET state = 'draining' WHERE id = ? AND state = 'running'",
            [process_id],
        )


def mark_lost(process_id: str, reason: str, seen_beat: int) -> bool:
    """Declare a process dead; False if another observer did so first, or it has beaten since."""
    with transaction():
        return (
            change(
                "UPDATE processes SET state = 'lost', detail = ? "
                "WHERE id = ? AND state != 'lost' AND beat = ?",
                [reason, process_id, seen_beat],
            )
            == 1
        )


def deregister(process_id: str) -> None:
    """Remove a process that stopped in order."""
    with transaction():
        change("DELETE FROM processes WHERE id = ?", [process_id])


def forget_lost(before: float) -> None:
    """Remove processes that were lost before an instant; until then they stay visible."""
    with transaction():
        change("DELETE FROM processes WHERE state = 'lost' AND heartbeat_at < ?", [before])


def list_processes() -> list[ProcessRow]:
    """Return all processes, the oldest first."""
    with reading():
        found = rows(SELECT_PROCESSES)
    return [ProcessRow(*row) for row in found]
