"""The processes of a selftest: tickers and workers of its own, restarted when they were killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from scheduler.clock import Clock, sleep
from scheduler.stopping import LIFELINE_VARIABLE

STOP_SECONDS = 60.0
_STEP_SECONDS = 0.02


class Troop:
    """Starts the roles, keeps them alive, knows what runs below them (Linux), and stops them."""

    def __init__(
        self,
        config_path: Path,
        roles: Sequence[str],
        clock: Clock,
        *,
        environment: Mapping[str, str],
    ) -> None:
        self._config_path = config_path
        self._environment = {**_environment(), **environment}
        self._clock = clock
        self._roles = list(roles)
        self._living: dict[int, subprocess.Popen[bytes]] = {}
        self._lifeline, self._our_end = os.pipe()  # ends with us, even when we are killed
        self.restarts = 0

    def keep(self) -> None:
        """Start what does not run."""
        for number, role in enumerate(self._roles):
            process = self._living.get(number)
            if process is None or process.poll() is not None:
                self.restarts += process is not None
                self._living[number] = self._start(role)

    def pids(self) -> dict[str, list[tuple[int, ...]]]:
        """Return the pids of all processes by role, each alone, and of workers with their zygote.

        Roles: ticker, worker, zygote, executor, `worker with zygote`.
        """
        below = _children()
        living = [(n, one.pid) for n, one in self._living.items() if one.poll() is None]
        workers = [pid for number, pid in living if self._roles[number] == "worker"]
        zygotes = [pid for worker in workers for pid in below.get(worker, ())]
        return {
            "ticker": [(pid,) for number, pid in living if self._roles[number] == "ticker"],
            "worker": [(pid,) for pid in workers],
            "worker with zygote": [(pid, *below.get(pid, ())) for pid in workers],
            "zygote": [(pid,) for pid in zygotes],
            "executor": [(pid,) for zygote in zygotes for pid in below.get(zygote, ())],
        }

    def stop(self) -> bool:
        """Ask all to stop and wait; False if some had to be killed."""
        self._signal(signal.SIGTERM)
        until = self._clock.monotonic() + STOP_SECONDS
        while any(process.poll() is None for process in self._living.values()):
            if self._clock.monotonic() > until:
                self.close()
                return False
            sleep(_STEP_SECONDS)
        return True

    def close(self) -> None:
        """Kill all that is left; what they had started ends with them."""
        self._signal(signal.SIGKILL)
        for process in self._living.values():
            process.wait()
        for fd in (self._lifeline, self._our_end):
            with suppress(OSError):
                os.close(fd)

    def _start(self, role: str) -> subprocess.Popen[bytes]:
        folder = self._config_path.parent
        with (folder / "service.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "scheduler", role, "--config", str(self._config_path)],
                cwd=folder,
                env=self._environment | {LIFELINE_VARIABLE: str(self._lifeline)},
                pass_fds=[self._lifeline],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _signal(self, number: int) -> None:
        for process in self._living.values():
            if process.poll() is None:
                process.send_signal(number)


def processes_in(folder: Path) -> list[int]:
    """Return the pids of all processes whose current folder is this one; empty off Linux."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
    return found


def _environment() -> dict[str, str]:
    """The configuration of the service that this machine runs otherwise must not reach a trial."""
    return {key: value for key, value in os.environ.items() if not key.startswith("SCHEDULER_")}


def _children() -> dict[int, list[int]]:
    """Return the living children of every process, by its pid; empty off Linux."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, parent, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            if state != "Z":
                below.setdefault(int(parent), []).append(int(entry.name))
    return below
