"""What scans leave behind: the lease, scan errors, one row a scan."""

from collections.abc import Sequence

from scheduler.crashpoints import crash_point
from scheduler.db.statements import change, change_many, placeholders, reading, rows, transaction
from scheduler.runner.complaint import DUPLICATE_NAME, ERROR, FileError

_LEASE = "scan_lease"


def take_lease(process_id: str) -> bool:
    """Get the right to scan; False while a living process has it."""
    with transaction():
        holders = rows(
            "SELECT s.value FROM settings s JOIN processes p ON p.id = s.value "
            "WHERE s.key = ? AND p.state != 'lost'",
            [_LEASE],
        )
        if holders and holders[0][0] != process_id:
            return False
        change(
            "INSERT INTO settings (key, value) VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [_LEASE, process_id],
        )
    return True


def release_lease(process_id: str) -> None:
    """Give the right to scan back."""
    with transaction():
        change("DELETE FROM settings WHERE key = ? AND value = ?", [_LEASE, process_id])


def is_outdated(started_at: float, now: float) -> bool:
    """Tell whether a scan that began later has been written already.

    One that began after now was made before the clock was set back, and is older.
    """
    with transaction():
        later = "SELECT 1 FROM scans WHERE started_at >= ? AND started_at <= ? LIMIT 1"
        return bool(rows(later, [started_at, now]))


def record_scan(
    *,
    started_at: float,
    finished_at: float,
    files: int,
    functions: int,
    errors: Sequence[FileError],
) -> None:
    """Write that a scan was made, and exactly the errors and warnings it found; mended ones go."""
    crash_point("scan.before")
    with transaction():
        change(
            "INSERT INTO scans (started_at, finished_at, files, functions, errors) "
            "VALUES (?, ?, ?, ?, ?)",
            [started_at, finished_at, files, functions, count_errors(errors)],
        )
        change("DELETE FROM scans WHERE started_at > ?", [finished_at])  # by a clock of before
        paths = [error.path for error in errors]
        change(
            f"DELETE FROM scan_errors WHERE path NOT IN ({placeholders(len(paths))})"
            if paths
            else "DELETE FROM scan_errors",
            paths,
        )
        _upsert_errors(errors, finished_at)
        crash_point("scan.uncommitted")
    crash_point("scan.committed")


def record_file_errors(errors: Sequence[FileError], now: float) -> None:
    """Write errors of single files ahead of the whole scan's result."""
    with transaction():
        _upsert_errors(errors, now)


def forget_file_error(path: str) -> None:
    """Delete the error of a file that was mended, ahead of the whole scan's result.

    Whose a name is turns out at the end of a scan.
    """
    with transaction():
        change(
            "DELETE FROM scan_errors WHERE path = ? AND error_type != ?",
            [path, DUPLICATE_NAME],
        )


def fetch_error_paths() -> set[str]:
    """Return the paths that have an error or a warning."""
    with reading():
        return {path for (path,) in rows("SELECT path FROM scan_errors")}


def count_errors(errors: Sequence[FileError]) -> int:
    """Return how many are more than warnings."""
    return sum(error.severity == ERROR for error in errors)


def _upsert_errors(errors: Sequence[FileError], now: float) -> None:
    change_many(
        "INSERT INTO scan_errors (path, error_type, message, traceback, line, severity, "
        "first_seen_at, last_seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (path) DO UPDATE SET "
        "error_type = excluded.error_type, message = excluded.message, "
        "traceback = excluded.traceback, line = excluded.line, "
        "severity = excluded.severity, last_seen_at = excluded.last_seen_at",
        [
            (
                error.path,
                error.error_type,
                error.message,
                error.traceback,
                error.line,
                error.severity,
                now,
                now,
            )
            for error in errors
        ],
    )
