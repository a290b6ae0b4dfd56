"""A real service in a folder of one test: its files, its processes, its rows."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.process.backends import Backend

Found = TypeVar("Found")
DEADLINE_SECONDS = 60.0
STEP_SECONDS = 0.02


def wait_for(
    question: Callable[[], Found | None],
    what: str | Callable[[], str],
    seconds: float = DEADLINE_SECONDS,
    *,
    step_seconds: float = STEP_SECONDS,
) -> Found:
    """Ask until the answer is true; fail with `what` (says it then) after the deadline."""
    until = time.monotonic() + seconds
    while True:
        if answer := question():
            return answer
        if time.monotonic() > until:
            pytest.fail(f"waited {seconds:g} s for {what if isinstance(what, str) else what()}")
        time.sleep(step_seconds)


class Service:
    """One configuration and everything that was started with it."""

    def __init__(self, folder: Path, backend: Backend | None = None, **keys: Any) -> None:
        self.folder = folder
        self._backend = backend or Backend()
        self.functions = folder / "functions"
        self.functions.mkdir()
        self.database = folder / "scheduler.db"
        self.log = folder / "service.log"
        self._started: list[subprocess.Popen[bytes]] = []
        usual = {"scan_paths": ["functions"], "worker_concurrency": 2}
        lines = {**usual, **self._backend.keys(), **keys}
        (folder / "scheduler.toml").write_text(
            "".join(f"{key} = {_toml(value)}\n" for key, value in lines.items())
        )

    def write(self, name: str, text: str) -> Path:
        """Write a file of functions; the usual imports come first."""
        path = self.functions / name
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(
            "import os, sys, time\nfrom datetime import timedelta\n"
            f"from scheduler import current_run, schedule\n\n{text}"
        )
        new.replace(path)  # at once: a scan must not see half of it
        return path

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start `scheduler ...` in a session of its own, logging into the service's file."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def running(self) -> list[subprocess.Popen[bytes]]:
        """Return what was started and has not ended."""
        return [process for process in self._started if process.poll() is None]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of `scheduler ...` for this service."""
        return [sys.executable, "-m", "scheduler", *arguments]

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Read the database as any other program would; empty while there is none."""
        return self._backend.rows(self.database, sql, params)

    def wait_rows(self, sql: str, *params: Any, at_least: int = 1) -> list[tuple[Any, ...]]:
        """Wait until a query has so many rows; return them."""
        return wait_for(
            lambda: found if len(found := self.rows(sql, *params)) >= at_least else None,
            lambda: f"{at_least} row(s) of {sql} {params}; log:\n{self.read_log()}",
        )

    def pause(self, *pids: int) -> None:
        """Stop processes that hold no lock of a database file; a server ends such a session."""
        queue = self.database.with_name("scheduler-queue.db")
        with self._backend.unwritten(self.database, queue):
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)

    def pids(self, role: str) -> list[int]:
        """Return the pids of the living processes of a role."""
        return [
            pid
            for (pid,) in self.rows(
                "SELECT pid FROM processes WHERE role = ? AND state != 'lost'", role
            )
        ]

    def read_log(self) -> str:
        """Return what the service has said so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def close(self) -> None:
        """Kill whatever is left."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()
        for pid in self.living():
            with _gone_is_fine():
                os.kill(pid, signal.SIGKILL)

    def living(self) -> list[int]:
        """Return the pids of all processes that run below this service's folder."""
        return [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and _belongs(entry, self.folder)
        ]


def stop(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
    """Send a signal and return the exit code."""
    process.send_signal(number)
    return process.wait(DEADLINE_SECONDS)


def children(pid: int) -> list[int]:
    """Return the pids of a process's children."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [
            int(child) for thread in threads for child in (thread / "children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(pid: int) -> list[int]:
    """Return the pids of all processes below a process."""
    return [found for child in children(pid) for found in (child, *descendants(child))]


def command_line(pid: int) -> str:
    """Return the command line of a process, empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def open_files(pid: int) -> set[str]:
    """Return the paths of what a process has open, empty when it has ended."""
    found = set()
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(str(entry.readlink()))
    return found


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _belongs(entry: Path, folder: Path) -> bool:
    try:
        return (entry / "cwd").readlink() == folder and is_alive(int(entry.name))
    except (OSError, ValueError):
        return False


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except ProcessLookupError:
        return


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
