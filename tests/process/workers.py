"""A process with a pool of its own that runs one function, to be stopped and killed by tests."""

import subprocess
import sys
from pathlib import Path

from scheduler.clock import SystemClock
from tests.process.executors import family

_SCRIPT = """
import sys, threading
from scheduler.executor.guards import become_subreaper
from scheduler.clock import SleepCountingClock, SystemClock
from tests.process.executors import Background, make_pool, ping
become_subreaper()
target, output, lease, clock = sys.argv[1:]
pool = make_pool(lease_seconds=float(lease) if lease else None, lease_clock=globals()[clock]())
def beat():
    while True:
        ping(pool)
        threading.Event().wait(0.05)
background = Background(pool, target)
if lease:
    threading.Thread(target=beat, daemon=True).start()
background.wait_for_output(output)
print(pool.zygote_pid, flush=True)
print(background.outcome().status, flush=True)
ping(pool)
print("again", pool.zygote_pid, flush=True)
threading.Event().wait()
"""


class Worker:
    """A subreaper; made when its function has printed `output`.

    It renews its lease as long as it is not stopped; `lease_seconds` None = it needs none.
    """

    def __init__(
        self,
        target: str,
        output: str,
        *,
        lease_seconds: float | None = None,
        lease_clock: type[SystemClock] = SystemClock,
    ) -> None:
        options = [target, output, str(lease_seconds or ""), lease_clock.__name__]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SCRIPT, *options],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        self.zygote_pid = int(self.read_line())
        self.descendants = family(self.process.pid)

    @property
    def user_code(self) -> list[int]:
        """The pids of what executes the function, and of what that started."""
        return [pid for pid in self.descendants if pid != self.zygote_pid]

    def read_line(self) -> str:
        """Return what it says next: the run's status, then its zygote's pid after "again"."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def close(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
