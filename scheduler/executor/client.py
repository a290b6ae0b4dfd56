"""The parent's side of a zygote: starts it, asks it to fork, sees that it lives."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from math import inf
from typing import Any

from scheduler.errors import ZygoteGoneError
from scheduler.executor.child import FORK_SECONDS, Child, ForkRefusedError, is_readable
from scheduler.executor.lease import Lease
from scheduler.redaction import SECRET_VARIABLES
from scheduler.stopping import ZYGOTE_STOP_SECONDS

_START_SECONDS = 60.0
_FORK_ANSWER_SECONDS = 0.2  # then it is continued, in case it was stopped
_ANSWER_SECONDS = 0.05  # the same for a look
_SILENCE_SECONDS = 5.0  # then it is killed
_LEAVING_SECONDS = 3.0  # more than an executor that nobody watches any more takes to end
_STEP_SECONDS = 1.0  # what one look counts at most: the observer may have been away itself


class Zygote:
    """Starts a zygote process and asks it to fork. Thread-safe.

    `lease`: when it has run out, the process kills all it forked and forks nothing. It is not woken
    for that while nothing lives that it forked: the next fork brings it the lease.
    """

    def __init__(
        self,
        *,
        preload: Sequence[str] = (),
        lease: Lease | None = None,
        niceness: int = 0,
    ) -> None:
        leased_at = lease.renewed_at if lease is not None else 0.0
        self._options = {
            "preload": list(preload),
            "niceness": niceness,
            "lease_seconds": lease and lease.seconds,
            "leased_at": leased_at,
            "counts_sleep": lease is not None and lease.counts_sleep,
        }
        self._lock = threading.Lock()
        self._leased_at = self._told_at = leased_at
        self._busy_at = -inf  # the last heartbeat at which something lived
        self._living: set[object] = set()  # a token for each process that it forked
        self._start_lock = threading.Lock()
        self.is_ready = False  # to fork, all preloaded
        self._channel: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.unloadable: dict[str, str] = {}  # what it could not preload, and why
        self._is_asked = False
        self._looked_at: float | None = None  # while it does not answer
        self._silent_seconds = 0.0

    @property
    def pid(self) -> int:
        """The zygote's process id; raises ZygoteGoneError before `start`."""
        if self._process is None:
            raise ZygoteGoneError
        return self._process.pid

    def start(self) -> None:
        """Start the process and wait until it is ready; raises ZygoteGoneError."""
        self.spawn()
        self.wait_ready()

    def spawn(self) -> None:
        """Start the process, which then loads what is to be preloaded; raises ZygoteGoneError."""
        try:
            self._channel, theirs = socket.socketpair()
            self._channel.settimeout(_START_SECONDS)
            with theirs:
                self._process = self._spawn(theirs.fileno())
        except OSError as error:
            self.stop()
            raise ZygoteGoneError(f"{sys.executable} cannot be started: {error}") from error

    def wait_ready(self) -> bool:
        """Wait until it can fork; returns whether it was not ready before, or ZygoteGoneError."""
        with self._start_lock:
            if self.is_ready:
                return False
            line = self._read_first_line()
            if not line.endswith(b"\n"):
                self.stop()
                raise ZygoteGoneError("The process that forks the executors did not start")
            self.unloadable = json.loads(line)["unloadable"]
            self.is_ready = True
        return True

    def ping(self, at: float) -> None:
        """Renew the lease from a monotonic instant on; raises ZygoteGoneError."""
        with self._lock:
            self._leased_at = max(self._leased_at, at)
            if self._living:
                self._busy_at = at
            self._send(b"" if self._is_resting else self._due_ping())

    def look(self, monotonic: float) -> bool:
        """See to it that it answers, at least once a second; False if it had to be killed.

        A function may have stopped it: then it is continued. Only what also stays silent for
        `_SILENCE_SECONDS` is killed, and with it all it forked. Nobody looks while it preloads, or
        while nothing lives that it forked: a fork sees for itself.
        """
        if not self.is_ready or self._is_resting:
            return True
        try:
            if not self._is_asked:
                with self._lock:
                    self._send(b'{"look": 1}\n')
                self._is_asked = True
            if self._hears(_ANSWER_SECONDS):
                self._is_asked, self._looked_at, self._silent_seconds = False, None, 0.0
                return True
        except (ZygoteGoneError, OSError):
            return True  # it has ended already: others notice
        if self._looked_at is not None:
            self._silent_seconds += min(monotonic - self._looked_at, _STEP_SECONDS)
        self._looked_at = monotonic
        is_given_up = self._silent_seconds >= _SILENCE_SECONDS
        self._signal(signal.SIGKILL if is_given_up else signal.SIGCONT)
        return not is_given_up

    def fork(self, target: str, request: dict[str, Any], fds: Sequence[int]) -> Child:
        """Fork a process that runs `serve(request, fds)` of the target ("executor" or "inspect").

        The fds are duplicated; close your own. Raises ZygoteGoneError, ForkRefusedError.
        """
        try:
            report_fd, their_report_fd = os.pipe()
        except OSError as error:
            raise ForkRefusedError(f"no pipe can be opened: {error.strerror}") from error
        token = object()
        message = {"fork": target, "request": request, "fds": len(fds) + 1}
        try:
            with self._lock:
                self._busy_at = self._leased_at
                line = self._due_ping() + json.dumps(message).encode() + b"\n"
                self._send(line, [their_report_fd, *fds])
                self._living.add(token)
        except ZygoteGoneError:
            os.close(report_fd)
            raise
        finally:
            os.close(their_report_fd)
        if not is_readable(report_fd, _FORK_ANSWER_SECONDS):
            self._signal(signal.SIGCONT)
        try:
            return Child(report_fd, partial(self._living.discard, token))
        except TimeoutError as error:
            self._signal(signal.SIGKILL)
            raise ZygoteGoneError("The process that forks the executors does not answer") from error

    @property
    def _is_resting(self) -> bool:
        """Whether all that it forked has ended, exit functions included: nothing is to be kept."""
        return not self._living and self._leased_at - self._busy_at > _LEAVING_SECONDS

    def is_alive(self) -> bool:
        """Tell whether the process has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Have it kill all it forked and end; returns when it has."""
        with self._lock:
            if self._channel is not None:
                self._channel.close()
                self._channel = None
        if self._process is None:
            return
        self._signal(signal.SIGCONT)  # else one that was stopped would not see the end
        try:
            self._process.wait(ZYGOTE_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read_first_line(self) -> bytes:
        line, channel = b"", self._channel
        if channel is not None:
            with suppress(OSError):
                while not line.endswith(b"\n") and (part := channel.recv(4096)):
                    line += part
                channel.settimeout(FORK_SECONDS)
        return line

    def _hears(self, seconds: float) -> bool:
        """Take in the answer to a look; returns whether it came."""
        channel = self._channel
        if channel is None:
            raise ZygoteGoneError
        if not is_readable(channel.fileno(), seconds):
            return False
        if not channel.recv(16):
            raise ZygoteGoneError
        return True

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _spawn(self, channel_fd: int) -> subprocess.Popen[bytes]:
        # -P: a user's `email.py` in the working directory must shadow nothing
        command = [sys.executable, "-P", "-m", "scheduler.executor.zygote"]
        options = self._options | {"channel": channel_fd, "parent": os.getpid()}
        return subprocess.Popen(
            [*command, json.dumps(options)],
            pass_fds=[channel_fd],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={key: value for key, value in os.environ.items() if key not in SECRET_VARIABLES},
        )

    def _due_ping(self) -> bytes:
        """Return the line that renews the lease, b"" if it has been told; with the lock."""
        if self._told_at == self._leased_at:
            return b""
        self._told_at = self._leased_at
        return json.dumps({"ping": self._leased_at}).encode() + b"\n"

    def _send(self, message: bytes, fds: Sequence[int] = ()) -> None:
        """Send lines, if there are any, with the lock; raises ZygoteGoneError."""
        if self._channel is None:
            raise ZygoteGoneError
        if not message:
            return
        try:
            if fds:
                sent = socket.send_fds(self._channel, [message], fds)
                message = message[sent:]
            self._channel.sendall(message)
        except OSError as error:
            raise ZygoteGoneError from error
