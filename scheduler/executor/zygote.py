"""The zygote: a lean process that forks executors, watches the lease, and kills what outlives it.

`python -m scheduler.executor.zygote OPTIONS`, a JSON object, started by `Zygote` in client.py. The
channel carries JSON lines: {"fork": target, "request": {...}, "fds": n}, {"ping": at}, {"look": 1},
which asks for a sign of life. Its end is ours.
"""

import gc
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import TextIO

from scheduler.clock import Clock, SleepCountingClock, SystemClock
from scheduler.executor.fuse import Fuse
from scheduler.executor.guards import (
    become_subreaper,
    drain,
    wake_on_child_signal,
    wake_with_parent,
)
from scheduler.executor.lease import Lease
from scheduler.executor.newborn import ZYGOTE_IGNORES, flush, reset_inherited_signals
from scheduler.executor.nursery import Nursery, refuse
from scheduler.executor.title import set_title
from scheduler.runner.common import import_ahead
from scheduler.runner.exits import CAUSE_LEASE, CAUSE_STOP
from scheduler.runner.loading import find_private_names
from scheduler.runner.wire import decode, encode

_MAX_FDS = 16
_FAULT_LIMIT = 300  # characters
_ALIVE = b"."  # the answer to a look


class _Zygote:
    """One thread, one poll: messages, dead children, and the lease running out."""

    def __init__(self, channel: socket.socket, lease: Lease, fuse: Fuse, clock: Clock) -> None:
        self._channel = channel
        self._lease = lease
        self._fuse = fuse
        self._clock = clock
        self._nursery = Nursery(clock)
        self._wake_fd = wake_on_child_signal()
        self._buffer = b""
        self._fds: list[int] = []
        self._is_expired = False

    def loop(self, unloadable: dict[str, str]) -> None:
        """Say what could not be preloaded, then serve until the other end of the channel ends."""
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        poll.register(self._wake_fd, select.POLLIN)
        with suppress(BrokenPipeError):  # whoever started it has died: end of file follows
            self._channel.sendall(encode({"unloadable": unloadable}).encode() + b"\n")
        self._light_fuse()
        while True:
            ready = dict(poll.poll(self._milliseconds_of_lease()))
            if self._wake_fd in ready:
                drain(self._wake_fd)
                self._nursery.reap()
            if self._channel.fileno() in ready and not self._read():
                break
            self._check_lease()
        self._nursery.kill_all(CAUSE_STOP)

    def _read(self) -> bool:
        try:
            data, fds, _, _ = socket.recv_fds(self._channel, 65536, _MAX_FDS)
        except ConnectionResetError:
            return False
        for fd in fds:
            os.set_inheritable(fd, False)
        self._fds += fds
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._obey(decode(line.decode())[0])
        return bool(data)

    def _obey(self, message: dict[str, object]) -> None:
        if "ping" in message:
            self._lease.renew(float(str(message["ping"])))
            self._is_expired = self._is_expired and not self._lease.is_valid()
            self._light_fuse()
            return
        if "look" in message:
            with suppress(OSError):  # whoever asked has died: end of file follows
                self._channel.sendall(_ALIVE)
            return
        count = int(str(message["fds"]))
        fds, self._fds = self._fds[:count], self._fds[count:]
        if len(fds) < count:
            if fds:  # the first of them is where to tell
                refuse(fds, "it has no descriptor free")
            return
        request = message["request"]
        assert isinstance(request, dict)
        if import_ahead(request.pop("imports", ()), most=1):  # pings wait meanwhile
            _share()
        if self._is_expired or not self._lease.is_valid():
            refuse(fds, "the worker's lease has run out", CAUSE_LEASE)
            return
        self._nursery.fork(str(message["fork"]), request, fds)

    def _check_lease(self) -> None:
        if not self._is_expired and not self._lease.is_valid():
            self._is_expired = True
            self._nursery.kill_all(CAUSE_LEASE)
            self._fuse.put_out()

    def _light_fuse(self) -> None:
        """Have us killed, and with us all we forked, if we should be stopped when the lease ends.

        What is stopped with its worker cannot kill; the kernel kills what is stopped.
        """
        if self._lease.seconds is not None and self._lease.is_valid():
            self._fuse.light(self._lease.fuse_at())

    def _milliseconds_of_lease(self) -> int | None:
        if self._lease.seconds is None or self._is_expired:
            return None
        return max(0, int(self._lease.remaining_seconds() * 1000) + 1)


def main() -> None:
    """Become a zygote; ends when its channel does."""
    options = decode(sys.argv[1])[0]
    for number in ZYGOTE_IGNORES:
        signal.signal(number, signal.SIG_IGN)
    become_subreaper()
    wake_with_parent()
    os.nice(options["niceness"])
    channel = socket.socket(fileno=options["channel"])
    channel.set_inheritable(False)
    sys.dont_write_bytecode = True
    del sys.argv[1:]
    set_title("scheduler zygote")
    _leave_until_loaded_with(options["parent"])
    unloadable = _preload(options["preload"])
    signal.setitimer(signal.ITIMER_REAL, 0)
    reset_inherited_signals()
    clock = SleepCountingClock() if options["counts_sleep"] else SystemClock()
    lease = Lease(options["lease_seconds"], clock, renewed_at=options["leased_at"])
    _Zygote(channel, lease, Fuse(clock.monotonic_id), clock).loop(unloadable)


def _leave_until_loaded_with(parent_pid: int) -> None:
    """Look each second whether the parent lives: a module that hangs would keep us for ever.

    Once loaded the end of the channel tells, and what was forked has to be killed first.
    """

    def look(*_: object) -> None:
        if os.getppid() != parent_pid:
            os._exit(1)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)


def _preload(wanted: list[str]) -> dict[str, str]:
    """Import what all share; return which modules failed, and how."""
    failed = {}
    for name in wanted:
        try:
            import_module(name)
        except BaseException as error:  # noqa: BLE001 - a broken preload costs time, no service
            failed[name] = f"{type(error).__name__}: {error}"[:_FAULT_LIMIT]
    _empty(sys.stdout, 1)
    _empty(sys.stderr, 2)
    _share()
    return failed


def _empty(stream: TextIO, fd: int) -> None:
    """Push out what a preloaded module has printed, or drop it: each child would inherit it."""
    try:
        stream.flush()
    except Exception:  # noqa: BLE001 - closed, None, or the log is on a full disk
        nowhere_fd = os.open(os.devnull, os.O_WRONLY)
        if nowhere_fd != fd:  # else it was closed
            os.dup2(nowhere_fd, fd)
            os.close(nowhere_fd)
        flush(stream)


def _share() -> None:
    """Let collections in the children leave the pages of all there is now shared."""
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    main()
elif __name__ == "__mp_main__":  # the user's code spawned it: multiprocessing imports its main
    find_private_names()
