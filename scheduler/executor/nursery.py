"""The zygote's children: forks them, reaps them, reports how they ended, kills what they left."""

import os
import resource
import signal
import sys
from contextlib import suppress
from typing import Any

from scheduler.clock import Clock, sleep
from scheduler.executor import newborn
from scheduler.executor.guards import buried_children, kill_group, kill_strays
from scheduler.runner.metering import MAXRSS_UNIT
from scheduler.runner.offspring import own_children
from scheduler.runner.wire import encode
from scheduler.stopping import ZYGOTE_STOP_SECONDS

_KILL_SECONDS = 0.8 * ZYGOTE_STOP_SECONDS


class Nursery:
    """Knows every child it forked; any other child is a stray, adopted from one that died."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reports: dict[int, int] = {}  # pid: write end of its report pipe
        self._cause: str | None = None

    def fork(self, target: str, request: dict[str, Any], fds: list[int]) -> None:
        """Fork a child that serves `target`; the first of `fds` is where we report about it."""
        report, *own = fds
        for stream in (sys.stdout, sys.stderr):
            newborn.flush(stream)
        zygote_pid = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            refuse(fds, f"cannot fork: {error.strerror}")
            return
        if pid == 0:
            newborn.live(zygote_pid, target, request, own)
        with suppress(OSError):  # it does the same; whoever comes first
            os.setpgid(pid, pid)
        for fd in own:
            os.close(fd)
        self._reports[pid] = report
        _tell(report, {"pid": pid})

    def reap(self) -> None:
        """Bury all dead children, continue the stopped ones; call it at SIGCHLD."""
        for dead in buried_children():
            self._bury(*dead)

    def kill_all(self, cause: str) -> None:
        """Kill every child and all they left behind; their reports name the `cause`."""
        self._cause = cause
        deadline = self._clock.monotonic() + _KILL_SECONDS
        while alive := own_children() | self._reports.keys():
            for pid in alive:
                kill_group(pid)
            self.reap()
            if self._clock.monotonic() > deadline:
                break
            sleep(0.002)
        self._cause = None

    def _bury(self, pid: int, status: int, usage: resource.struct_rusage) -> None:
        report = self._reports.pop(pid, None)
        if report is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)  # as long as it has members nobody else gets its number
        # What nobody here forked was adopted from the dead: its old code must not run on.
        kill_strays(self._reports.keys(), self._clock)
        ending: dict[str, Any] = {
            "peak_rss_bytes": usage.ru_maxrss * MAXRSS_UNIT,
            "cpu_total_seconds": usage.ru_utime + usage.ru_stime,
            "cause": self._cause,
        }
        if os.WIFSIGNALED(status):
            ending["signal"] = os.WTERMSIG(status)
        else:
            ending["exit_code"] = os.WEXITSTATUS(status)
        _tell(report, ending)
        os.close(report)


def refuse(fds: list[int], reason: str, cause: str | None = None) -> None:
    """Answer a request to fork with a `reason` instead of a pid."""
    _tell(fds[0], {"refused": reason, "cause": cause})
    for fd in fds:
        os.close(fd)


def _tell(report: int, message: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):  # nobody wants to know any more
        os.write(report, encode(message).encode() + b"\n")
