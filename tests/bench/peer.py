"""The peer on stage: stock Huey's consumer with two processes, a heap ticker, a history table."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from scheduler.sqlite_file import sqlite_address
from tests.bench.functions import Functions
from tests.bench.stage import PATIENCE_SECONDS, SELDOM_SECONDS, make_folder, python_path
from tests.process.service import descendants, wait_for


class Peer:
    """What the same user would build from stock Huey in an afternoon."""

    def __init__(self, folder: Path, *, notes: bool) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self._log = folder / "peer.log"
        self._started: list[subprocess.Popen[bytes]] = []
        self._environment = {**os.environ, "BENCH_FOLDER": str(folder), "PYTHONPATH": python_path()}
        if notes:
            self._environment["BENCH_NOTES"] = "1"
        assert self._start("tests.bench.peer_ticker").wait(PATIENCE_SECONDS) == 0, self._said()

    def start_ticker(self, functions: Functions) -> subprocess.Popen[bytes]:
        """Start the heap ticker over as many functions on the same grid."""
        arguments = (
            functions.count,
            functions.first_at,
            functions.step_seconds,
            functions.interval_seconds,
            time.time(),
        )
        return self._start("tests.bench.peer_ticker", *map(str, arguments))

    def start_consumer(self) -> subprocess.Popen[bytes]:
        """Start `huey_consumer -k process -w 2` and wait for its processes."""
        consumer = self._start(
            "huey.bin.huey_consumer", "tests.bench.peer_app.huey", "-k", "process", "-w", "2"
        )
        wait_for(lambda: len(descendants(consumer.pid)) >= 2, f"Huey's workers: {self._said()}")
        return consumer

    def wait_burst(self) -> tuple[int, float, float]:
        """Wait for a burst's end; return how many jobs, when it began, when all were enqueued."""
        line = wait_for(
            lambda: [line for line in self._said().splitlines() if line[:1].isdigit()],
            "the peer's burst",
            PATIENCE_SECONDS,
        )[0]
        fired, began_at, ended_at = line.split()
        return int(fired), float(began_at), float(ended_at)

    def wait_finished(self, count: int) -> None:
        """Wait until so many jobs are in the history."""
        wait_for(
            lambda: (self.rows("SELECT MAX(id) FROM history")[0][0] or 0) >= count,
            f"{count} jobs: {self._said()[-2000:]}",
            PATIENCE_SECONDS,
            step_seconds=SELDOM_SECONDS,
        )

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Read the history."""
        address = sqlite_address(self.folder / "history.db", "ro")
        with closing(sqlite3.connect(address, uri=True, timeout=30)) as connection:
            return connection.execute(sql, params).fetchall()

    def close(self) -> None:
        """Kill the peer's processes."""
        for process in self._started:
            if process.poll() is None:
                for pid in (*descendants(process.pid), process.pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            process.wait()

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._started.append(process)
        return process

    def _said(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


@contextmanager
def peer_on_stage(*, notes: bool = False) -> Iterator[Peer]:
    """Yield a peer in a folder of its own; it ends with the block.

    notes: its functions note their own time, like those of `functions.NOTE`.
    """
    with make_folder() as folder:
        peer = Peer(folder, notes=notes)
        try:
            yield peer
        finally:
            peer.close()


def sleep_until(instant: float) -> None:
    """Sleep until a wall time."""
    time.sleep(max(instant - time.time(), 0.0))
