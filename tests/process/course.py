"""A service that runs the functions of the selftest, and the same checker over its record."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

from scheduler import selftest
from scheduler.config import load_config
from scheduler.errors import SchedulerError
from scheduler.selftest.examination import examine, is_settled
from tests.process.service import Service, stop, wait_for

FILE = Path(selftest.__file__).with_name("course.py")
_SETTLING_SECONDS = 90.0  # after a minute of four workers on two cores that others use as well


class Course:
    """The functions of the selftest, or others, in a service's folder; their grids begin now.

    Other functions write the same journal, and begin their grids at what `start.txt` says.
    """

    def __init__(self, service: Service, *, has_own_functions: bool = False) -> None:
        self.service = service
        self._started: list[subprocess.Popen[bytes]] = []
        self.start_at = float(int(time.time()) + 1)
        self.journal = service.functions / "journal.jsonl"
        self._config = load_config(service.folder / "scheduler.toml", {})
        (service.functions / "start.txt").write_text(str(self.start_at))
        if not has_own_functions:
            shutil.copy(FILE, service.functions)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a process that is stopped at the end."""
        self._started.append(self.service.start(*arguments, **environment))
        return self._started[-1]

    def stop(self) -> None:
        """Stop in order what still runs; nothing may be left."""
        for process in self._started:
            if process.poll() is None:
                assert stop(process) == 0, self.service.read_log()
        assert self.service.living() == []

    def until_it_dies(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the SIGKILL of a crash point."""
        wait_for(lambda: process.poll() is not None, f"the crash; {self.service.read_log()}")
        assert process.returncode == -signal.SIGKILL, self.service.read_log()

    def until_settled(self) -> float:
        """Wait until every slot up to now has its verdict; return this instant."""
        until_at = time.time()
        wait_for(
            lambda: self._is_settled(until_at),
            lambda: f"verdicts; {self.service.read_log()}",
            _SETTLING_SECONDS,
        )
        return until_at

    def assert_kept(self, until_at: float) -> None:
        """Assert that every slot up to an instant has one verdict and nothing ran twice."""
        found = examine(
            self._config,
            start_at=self.start_at,
            until_at=until_at,
            is_disturbed=True,
            journal=self.journal,
        )
        assert found.violations == [], f"{found.violations}\n{self.service.read_log()}"
        assert found.rows

    def _is_settled(self, until_at: float) -> bool:
        try:
            return is_settled(self._config, until_at)
        except SchedulerError:
            return False  # there is no schema yet
