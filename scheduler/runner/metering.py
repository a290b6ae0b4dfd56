"""Measures the peak memory and the CPU time of one run in a process that serves many."""

import os
import sys
from contextlib import suppress
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import NamedTuple

MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
_open = open  # user code may patch the builtin
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Used(NamedTuple):
    """What this process, with the children it has waited for, has used since it was forked."""

    peak_rss_bytes: int
    cpu_seconds: float


def used() -> Used:
    """Read the clocks of the system."""
    own, children = getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN)
    cpu_seconds = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    return Used(own.ru_maxrss * MAXRSS_UNIT, cpu_seconds)


class Meter:
    """CPU seconds include children that were waited for; the peak starts anew with each run."""

    def __init__(self) -> None:
        self.cpu_total_seconds = used().cpu_seconds
        self._floor = 0
        self._reset_peak()

    def read(self) -> tuple[int, float]:
        """Return (peak RSS in bytes, CPU seconds) since the last reading."""
        peak, total = used()
        spent = total - self.cpu_total_seconds
        self.cpu_total_seconds = total
        if peak > self._floor:
            self._reset_peak()
        return peak, spent

    def resident_bytes(self) -> int:
        """Return what the process holds now; the peak where the system does not tell."""
        try:
            with _open("/proc/self/statm", "rb") as file:
                return int(file.read().split()[1]) * _PAGE
        except OSError:
            return getrusage(RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT

    def _reset_peak(self) -> None:
        with suppress(OSError), _open("/proc/self/clear_refs", "wb") as file:
            file.write(b"5")  # proc(5): resets the peak resident set size
        self._floor = getrusage(RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT
