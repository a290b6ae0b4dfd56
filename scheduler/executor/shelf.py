"""The idle executors of a worker, and how many of them will be wanted."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TypeAlias

from scheduler.executor.call import Call
from scheduler.executor.process import ExecutorProcess

_MIN_IDLE = 4
_LAST_RUNS = 60  # of an executor: in these its successor is made ready, if it was used up quickly
_QUICK_SECONDS = 0.5

Wanted: TypeAlias = tuple[str, Sequence[str]]
"""An executor that is to be forked ahead: its scan path, and the files that it should import."""


class Shelf:
    """Thread-safe. Keeps about as many executors as slots were ever at work at once."""

    def __init__(self, max_runs: int) -> None:
        self._max_runs = max_runs
        self._lock = threading.Condition(threading.Lock())
        self._idle: OrderedDict[int, ExecutorProcess] = OrderedDict()  # least recently used first
        self._busy = 0
        self._most_busy = _MIN_IDLE
        self._coming = 0
        self._recent: Counter[str] = Counter()  # runs by scan path since the last `successors`
        self._is_closed = False

    @contextmanager
    def counted(self, calls: Sequence[Call]) -> Iterator[None]:
        """Note that a slot is at work, and on what."""
        with self._lock:
            self._busy += 1
            for call in calls:
                self._recent[call.scan_path] += not call.isolated
            self._most_busy = max(self._most_busy, self._busy)
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
                if not self._busy:
                    self._lock.notify_all()

    def wait_idle(self, timeout_seconds: float) -> bool:
        """Wait until no slot is at work; return whether that is so."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._busy, timeout_seconds)

    def take(self, scan_path: str, *, isolates: bool = False) -> ExecutorProcess | None:
        """Return the executor of a scan path that was used last, the warmest; None if none is.

        isolates: one of those that isolate their runs, which are never among the others.
        """
        with self._lock:
            executor = next(reversed(self._kept(scan_path, isolates=isolates)), None)
            return None if executor is None else self._idle.pop(id(executor))

    def peek(self, scan_path: str) -> ExecutorProcess | None:
        """Return what `take` would."""
        with self._lock:
            return next(reversed(self._kept(scan_path)), None)

    def keep(
        self, executor: ExecutorProcess, *, is_last_choice: bool = False
    ) -> ExecutorProcess | None:
        """Keep an idle executor; returns one that is too many."""
        with self._lock:
            self._idle[id(executor)] = executor
            self._idle.move_to_end(id(executor), last=not is_last_choice)
            if self._is_closed or len(self._idle) > self._most_busy:
                return self._idle.popitem(last=False)[1]
        return None

    def close(self) -> list[ExecutorProcess]:
        """Keep nothing any more; returns what was kept."""
        with self._lock:
            self._is_closed = True
            idle = list(self._idle.values())
            self._idle.clear()
        return idle

    def successors(self) -> list[Wanted]:
        """Return what to fork, if the next second brings as many runs as the last one."""
        with self._lock:
            recent, self._recent = self._recent, Counter()
            return [
                (path, self._loaded_files(path))
                for path in recent
                for _ in range(self._lacking(path, recent[path]))
            ]

    def wants_successor(self, executor: ExecutorProcess, count: int, age_seconds: float) -> bool:
        """Tell whether to fork a successor beside the next `count` runs, which soon wear it out.

        `successors` comes too late for it. Whoever does as told calls `has_come`.
        """
        last = self._max_runs - _LAST_RUNS
        if not executor.runs < last <= executor.runs + count or age_seconds > _QUICK_SECONDS:
            return False
        with self._lock:
            is_wanted = self._fresh(executor.scan_path) + self._coming < self._busy
            self._coming += is_wanted
        return is_wanted

    def has_come(self) -> None:
        """Note that a successor is kept, or that there will be none."""
        with self._lock:
            self._coming -= 1

    def _kept(self, scan_path: str, *, isolates: bool = False) -> list[ExecutorProcess]:
        wanted = (scan_path, isolates)
        return [one for one in self._idle.values() if (one.scan_path, one.isolates) == wanted]

    def _fresh(self, scan_path: str) -> int:
        return sum(one.runs == 0 for one in self._kept(scan_path))

    def _lacking(self, scan_path: str, recent_runs: int) -> int:
        """Return how many successors to fork, if the next second brings as many runs."""
        kept = self._kept(scan_path)
        worn = sum(one.runs > 0 and one.runs + recent_runs >= self._max_runs for one in kept)
        return min(worn - self._fresh(scan_path), self._most_busy - len(self._idle))

    def _loaded_files(self, scan_path: str) -> list[str]:
        """Return what executors that may be worn out soon have loaded: a run should not wait."""
        kept = self._kept(scan_path)
        return list(dict.fromkeys(chain.from_iterable(one.files for one in kept)))
