"""A function that runs twice a second, and what it means that its service has recovered."""

import sqlite3
import time

from tests.process.service import Service, stop, wait_for
from tests.process.slots import gapless

PULSE = """
@schedule(timedelta(seconds=0.5))
def pulse():
    return "well"
"""
KEYS = {"heartbeat_seconds": 0.5, "dead_after_seconds": 3, "scan_interval_seconds": 1}
OPEN = "SELECT id, status FROM run_logs WHERE status IN ('queued', 'running') AND queued_at < ?"


def goes_on(service: Service) -> None:
    """Wait for two runs that start from now on."""
    now = time.time()
    wait_for(
        lambda: len(runs_since(service, now)) >= 2, lambda: f"new runs; log:\n{service.read_log()}"
    )


def runs_since(service: Service, at: float) -> list[tuple[int]]:
    """Return the successful runs that started after an instant; none while nobody can read."""
    sql = "SELECT id FROM run_logs WHERE status = 'success' AND started_at > ?"
    try:
        return service.rows(sql, at)
    except sqlite3.DatabaseError:
        return []


def says(service: Service, text: str) -> None:
    """Wait until the log has a text."""
    wait_for(
        lambda: text in service.read_log(), lambda: f"{text!r} in the log:\n{service.read_log()}"
    )


def is_healthy(service: Service) -> bool:
    return service.run("health").returncode == 0


def assert_recovered(service: Service, name: str = "steady.pulse") -> None:
    """Assert that work goes on, that the service is well and that every slot has a verdict."""
    goes_on(service)
    now = time.time()
    wait_for(lambda: is_healthy(service), "the service to be healthy")
    wait_for(lambda: not service.rows(OPEN, now), "all verdicts")
    for process in service.running():
        assert stop(process) == 0
    gapless(service, name, 0.5)
    if service.database.exists():
        assert service.rows("PRAGMA integrity_check") == [("ok",)]
    assert service.living() == []
    assert "Traceback" not in service.read_log()
