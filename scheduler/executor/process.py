"""One executor process as its slot sees it: its channels and a place in line for the next run."""

import json
import os
import select
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from scheduler.clock import Clock
from scheduler.executor.answers import parse
from scheduler.executor.child import Exit
from scheduler.executor.client import Zygote
from scheduler.executor.pipes import open_pipe
from scheduler.executor.threads import ask_thread, ask_threads
from scheduler.runner.common import COMMON
from scheduler.runner.tally import Tally
from scheduler.runner.turns import Turns

_READ_BYTES = 65536
_MOST_READS = 8  # what a socket holds, and more
_LONGEST_ANSWER = 2**20  # bytes; texts in an answer are bounded, see runner/text.py
_MOST_FILES = 100
_LOAD_SECONDS = 10.0
_BATCH_END_SECONDS = 1.0  # that of the batch before, all of whose runs have ended
_DAY_SECONDS = 86400.0  # poll takes no more than 24 of them


class ExecutorProcess:
    """Forked at construction (raises ZygoteGoneError); serves one call at a time."""

    def __init__(
        self,
        zygote: Zygote,
        scan_path: str,
        *,
        isolates: bool,
        max_rss_bytes: int,
        imports: Iterable[str],
        tally: Tally | None,
        forked_at: float,
    ) -> None:
        """Fork it; `imports` are common modules that those before it have imported."""
        self.scan_path = scan_path
        self.isolates = isolates  # as a stem: each run has a process of its own
        self.forked_at = forked_at  # monotonic seconds
        self.tally = tally  # in which it notes what it begins, without it no batches
        self.runs = 0
        self.files: dict[str, None] = {}  # that it has loaded, the one used last is the last
        self.imports: set[str] = set()  # common modules that it has imported itself
        self.cpu_total_seconds = 0.0
        self.is_ready = False  # it answers SIGUSR2 and SIGTERM
        self.is_broken = False  # it lost a channel: not fit for another run
        self.exit: Exit | None = None
        self._zygote = zygote
        self._rest = b""  # of a message that has not come whole
        self._messages: deque[dict[str, Any] | None] = deque()
        self._ours = ExitStack()
        request = {
            "scan_path": scan_path,
            "max_rss_bytes": max_rss_bytes,
            "imports": sorted(imports),
        }
        try:
            with ExitStack() as theirs:
                fds = self._open_channels(theirs)
                self.child = zygote.fork("stem" if isolates else "executor", request, fds)
        except BaseException:
            self._ours.close()
            raise
        self._ours.callback(self.child.close)
        self._prepare_poll()

    def load(self, files: Sequence[str], clock: Clock) -> bool:
        """Have it import files ahead of their runs; False if it is not fit for one after that.

        What they print is dropped: the scan has told of it.
        """
        if not files:
            return True
        if not self._send({"load": list(files)}):
            return False
        until = clock.monotonic() + _LOAD_SECONDS
        while (answer := next(self.read_answers(), None)) is None:
            ready = self.poll(until - clock.monotonic())
            if clock.monotonic() >= until or self.exit_fd in ready or self.is_broken:
                return False
            self.read_output()
        while self.read_output():
            if clock.monotonic() >= until:
                return False
        self.files = dict.fromkeys(files)
        return "replace" not in answer

    def used(self, file: str) -> None:
        """Note that a run has had a file of the scan path loaded."""
        self.files.pop(file, None)
        self.files[file] = None
        if len(self.files) > _MOST_FILES:
            del self.files[next(iter(self.files))]

    def send(self, call: dict[str, Any]) -> bool:
        """Hand over a call; False if the process is gone and nothing was begun."""
        is_sent = self._send(call)
        self.runs += is_sent
        return is_sent

    def send_batch(self, calls: Sequence[dict[str, Any]], cell: int) -> bool:
        """Hand over calls to be answered in turn, those of a cell of the tally; as `send` else.

        Whoever counts the turns that were taken adds them to `runs`.
        """
        self.wait_batch(_BATCH_END_SECONDS)
        if not self.turns.is_over():
            return False
        try:
            self.turns.give(len(calls))
        except OSError:
            return False
        return self._send({"batch": calls, "cell": cell})

    def wait_batch(self, timeout_seconds: float) -> None:
        """Wait until a batch is over or the process has ended, but not for ever."""
        while not self.turns.is_over():
            ready = self._batch_poll.poll(max(0.0, timeout_seconds * 1000))
            if not ready or any(fd == self.exit_fd for fd, _ in ready):
                return

    def poll(self, timeout_seconds: float | None) -> set[int]:
        """Return the descriptors that have something to say; after a day at the latest."""
        seconds = _DAY_SECONDS if timeout_seconds is None else min(timeout_seconds, _DAY_SECONDS)
        return {fd for fd, _ in self._poll.poll(max(0.0, seconds * 1000))}

    def read_answers(self) -> Iterator[dict[str, Any]]:
        """Yield the answers that are there.

        However fast the user's code writes into the channel, it ends: time-outs have to be kept.
        """
        for _ in range(_MOST_READS):
            if not self._messages and not self._receive():
                return
            yield from self._take_answers()

    def read_output(self) -> bytes:
        """Return what it has printed, b"" if nothing is there."""
        return self._read(self.output_fd)

    def read_stack(self) -> bytes:
        """Return what it has written in answer to `ask_stack`."""
        return self._read(self.stack_fd)

    def ask_stack(self, begin: Callable[[int], None], clock: Clock) -> None:
        """Have its threads write their stacks; `begin(thread id)` is called before each.

        A stem does both, for the process it has forked, after this has returned.
        """
        if self.isolates:
            ask_thread(self.child.pid, self.child.pid)
        else:
            ask_threads(self.child.pid, begin, clock=clock)

    def wait_exit(self, timeout_seconds: float) -> Exit | None:
        """Return how it ended, None if it has not."""
        if self.exit is None:
            self.exit = self.child.wait(timeout_seconds)
        return self.exit

    def drain_wakes(self) -> None:
        """Forget the wake-ups so far."""
        with suppress(BlockingIOError):
            os.read(self.woken_fd, 4096)

    def retire(self) -> None:
        """Let it end by itself, exit functions included."""
        self._ours.close()

    def kill(self, timeout_seconds: float) -> Exit | None:
        """Kill it and all it started, and wait until they are gone."""
        if self.exit is None or self.exit.is_unknown:  # else its pid may be another's by now
            self.child.kill()
        return self.wait_exit(timeout_seconds)

    def bury_zygote(self) -> None:
        """Make sure that the zygote, which ended without a report on this process, is gone."""
        self._zygote.stop()

    def _open_channels(self, theirs: ExitStack) -> list[int]:
        self.control, their_control = socket.socketpair()
        self._ours.enter_context(self.control)
        theirs.enter_context(their_control)
        self.woken_fd, self.wake_fd = open_pipe(self._ours, self._ours)
        self.output_fd, their_output_fd = open_pipe(self._ours, theirs)
        self.stack_fd, their_stack_fd = open_pipe(self._ours, theirs)
        self.turns = Turns()
        self._ours.callback(self.turns.close)
        fds = [their_control.fileno(), their_output_fd, their_stack_fd, self.turns.theirs.fileno()]
        return fds if self.tally is None else [*fds, self.tally.fd]

    def _prepare_poll(self) -> None:
        self.control_fd = self.control.fileno()
        self.exit_fd = self.child.exit_fd
        self._poll = select.poll()
        for fd in (self.woken_fd, self.wake_fd, self.output_fd, self.stack_fd):
            os.set_blocking(fd, False)
        for fd in (self.control_fd, self.output_fd, self.stack_fd, self.woken_fd, self.exit_fd):
            self._poll.register(fd, select.POLLIN)
        self._batch_poll = select.poll()
        for fd in (self.turns.fd, self.exit_fd):
            self._batch_poll.register(fd, select.POLLIN)

    def _send(self, message: dict[str, Any]) -> bool:
        try:
            self.control.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return False
        return True

    def _receive(self) -> bool:
        """Take in what comes with one read; returns whether there was anything."""
        try:
            part = self.control.recv(_READ_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            part = b""
        if not part:
            self._lose(self.control_fd)
            return False
        *lines, self._rest = (self._rest + part).split(b"\n")
        self._messages.extend(parse(lines))
        if len(self._rest) > _LONGEST_ANSWER:
            self._messages.append(None)
            self._rest = b""
        return True

    def _take_answers(self) -> Iterator[dict[str, Any]]:
        while self._messages:
            message = self._messages.popleft()
            if message is None:
                self.is_broken = True  # the user's code found the channel and wrote into it
            elif "ready" in message:
                self.is_ready = True
            else:
                if "imports" in message:
                    self.imports.update(name for name in COMMON if name in message["imports"])
                yield message

    def _read(self, fd: int) -> bytes:
        try:
            chunk = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return b""
        if not chunk:
            self._lose(fd)
        return chunk

    def _lose(self, fd: int) -> None:
        self.is_broken = True
        with suppress(KeyError):
            self._poll.unregister(fd)
