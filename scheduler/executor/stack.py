"""Where a run is now: asks the threads of its process for their stacks, collects the answers."""

import os
import re
from collections.abc import Callable

from scheduler.clock import Clock
from scheduler.executor.process import ExecutorProcess
from scheduler.executor.threads import stack_head
from scheduler.runner.text import TRACEBACK_LIMIT, bounded, clean

ANSWER_SECONDS = 1.0
_QUIET_SECONDS = 0.05  # what comes from a stem has no end mark: silence is its end
_PACKAGE = os.path.dirname(os.path.dirname(__file__))
_OURS = re.compile(rf'File "(<frozen runpy>|{re.escape(_PACKAGE)}/(runner|executor)/)')
_EMPTY = re.compile(rb"Thread \d+: (?=Thread \d|$)")  # of threads that execute no Python
_NO_ANSWER = "the process did not answer: it is stopped, or hangs in the kernel"


class StackDump:
    """Requests and answers of one run; `due_at` is when `keep_time` wants to be called."""

    def __init__(self, executor: ExecutorProcess, clock: Clock) -> None:
        self.due_at: float | None = None
        self._executor = executor
        self._clock = clock
        self._listeners: list[Callable[[str], None]] = []
        self._is_asked = False
        self._dump = b""

    def request(self, listener: Callable[[str], None] | None) -> None:
        """Ask the process, now or when it is ready; the answer goes to `listener`."""
        if listener is not None:
            self._listeners.append(listener)
        if self.due_at is None:  # else the answer that is under way serves this one too
            self._is_asked = False
            self.due_at = self._clock.monotonic()

    def read(self) -> None:
        """Take in a part of the answer."""
        self._take()
        self.due_at = self._clock.monotonic() + _QUIET_SECONDS

    def keep_time(self, now: float) -> None:
        """Ask if it is time to, hand on the answer if it is complete."""
        if self.due_at is None or now < self.due_at:
            return
        if self._is_asked:
            self.give_up()
        elif not self._executor.is_ready:
            self.due_at = now + _QUIET_SECONDS
        else:
            self._dump, self._is_asked = b"", True
            self.due_at = now + ANSWER_SECONDS
            self._executor.ask_stack(self._begin, self._clock)
            self._take()
            if self._dump and not self._executor.isolates:  # all of it is there
                self.give_up()

    def text(self) -> str | None:
        """Return the last answer, None if there is none."""
        dump = _EMPTY.sub(b"", self._dump)
        lines = dump.decode("utf-8", "replace").splitlines(keepends=True)
        text = "".join(line for line in lines if not _OURS.search(line))
        return clean(bounded(text, TRACEBACK_LIMIT)) or None

    def give_up(self) -> None:
        """Hand on what there is."""
        self.due_at = None
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener(self.text() or _NO_ANSWER)

    def _begin(self, thread_id: int) -> None:
        self._take()
        self._dump += stack_head(self._executor.child.pid, thread_id)

    def _take(self) -> None:
        self._dump += self._executor.read_stack()
