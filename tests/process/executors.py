"""A pool of real executors and runs on it, in the foreground and in threads of their own."""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from scheduler.clock import SystemClock
from scheduler.executor.call import Call, Outcome
from scheduler.executor.control import RunControl
from scheduler.executor.lease import Lease
from scheduler.executor.pool import ExecutorPool
from tests.process.service import is_alive, wait_for

SHARED_AND_ISOLATED = [
    pytest.param(False, id="shared"),
    pytest.param(True, id="isolated", marks=pytest.mark.full(sample=1)),
]
FUNCTIONS = Path(__file__).parent.parent / "functions" / "executor"


class Pool(ExecutorPool):
    """A pool whose runs are isolated, or not, unless they say otherwise."""

    are_isolated = False


def make_pool(
    *,
    lease_seconds: float | None = None,
    lease_clock: SystemClock | None = None,
    are_isolated: bool = False,
    **options: Any,
) -> Pool:
    """Return a started pool, with a lease for ever unless it says otherwise."""
    defaults: dict[str, Any] = {
        "max_runs_per_process": 100,
        "max_rss_bytes": 0,
        "preload": (),
        "terminate_grace_seconds": 0.5,
        "lease": Lease(lease_seconds, lease_clock or SystemClock()),
        "clock": SystemClock(),
    }
    pool = Pool(**{**defaults, **options})
    pool.are_isolated = are_isolated
    pool.start()
    return pool


def make_call(target: str, **options: Any) -> Call:
    """Return a call of `file:function`."""
    file, _, function = target.partition(":")
    defaults: dict[str, Any] = {
        "run_id": 7,
        "name": f"{file}.{function}",
        "scan_path": str(FUNCTIONS),
        "module_path": f"{file}.py",
        "qualname": function,
        "scheduled_for": 1000.0,
        "attempt": 1,
        "trigger": "schedule",
        "timeout_seconds": None,
        "isolated": False,
        "output_limit_bytes": 65536,
    }
    return Call(**{**defaults, **options})


def ping(pool: ExecutorPool) -> None:
    """Renew the lease as after a heartbeat just now."""
    pool.ping(pool.lease.now())


def ping_until(pool: ExecutorPool, is_so: Callable[[], bool], what: str) -> None:
    """Renew the lease again and again, and last when `is_so`."""

    def look() -> bool:
        ping(pool)
        return is_so()

    wait_for(look, what)


def run(pool: ExecutorPool, target: str, **options: Any) -> Outcome:
    """Run `file:function` to its end."""
    return pool.run(_call_on(pool, target, options), RunControl(), lambda *_: None)


def _call_on(pool: ExecutorPool, target: str, options: dict[str, Any]) -> Call:
    isolated = isinstance(pool, Pool) and pool.are_isolated
    return make_call(target, **{"isolated": isolated, **options})


class Background:
    """A run in a thread of its own."""

    def __init__(self, pool: ExecutorPool, target: str, **options: Any) -> None:
        self.control = RunControl()
        self.output = ""
        self._outcome: Outcome | None = None
        self._pool, self._call = pool, _call_on(pool, target, options)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait_for_output(self, text: str) -> str:
        """Wait until it has printed `text`; return all it has printed so far."""
        wait_for(lambda: text in self.output, f"the output {text!r}")
        return self.output

    def outcome(self) -> Outcome:
        """Wait for the end."""
        self._thread.join(30)
        assert self._outcome is not None, "the run did not end"
        return self._outcome

    def is_over(self) -> bool:
        """Tell whether it has ended."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._outcome = self._pool.run(self._call, self.control, self._take_output)

    def _take_output(self, text: str, total_bytes: int) -> None:
        assert total_bytes >= len(text.encode()) or "left out" in text
        self.output = text


def zygote_of(pool: ExecutorPool) -> int:
    """Return the pid of a pool's zygote."""
    assert pool.zygote_pid is not None
    return pool.zygote_pid


def family(pid: int) -> list[int]:
    """Return the pids of all living descendants of a process."""
    children: list[str] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():  # a child belongs to one thread
            with suppress(FileNotFoundError, ProcessLookupError):
                children += (thread / "children").read_text().split()
    below = [grandchild for child in map(int, children) for grandchild in family(child)]
    return [pid for pid in map(int, children) if is_alive(pid)] + below
