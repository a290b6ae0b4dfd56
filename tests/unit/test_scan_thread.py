"""The thread that scans beside the tick, when the system gives none."""

import threading
from typing import Any

import pytest

from scheduler.maintenance.scanning import ScanThread


class Scanning:
    """Notes that it was asked to scan."""

    def __init__(self) -> None:
        self.has_scanned = threading.Event()

    def scan(self) -> None:
        self.has_scanned.set()


def test_a_scan_for_which_there_is_no_thread_is_made_the_next_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    scanning = Scanning()
    scans = ScanThread(scanning)  # type: ignore[arg-type]
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        scans.step(0.0)
    assert "scan.failed" in capsys.readouterr().err
    assert not scanning.has_scanned.is_set()

    scans.step(1.0)
    assert scanning.has_scanned.wait(30)
