"""What ties processes together so that none outlives its owner.

What it asks of Linux has no effect elsewhere, see `missing_guards`.
"""

import _signal  # type: ignore[import-not-found]  # signal wraps each answer in an enum
import ctypes
import fcntl
import os
import resource
import signal
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress

from scheduler.clock import Clock, SystemClock, sleep
from scheduler.executor.fuse import Fuse
from scheduler.runner.offspring import own_children

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37
_OOM_SCORE_ADJ = "300"  # of 1000; raising it needs no privilege, see proc(5)
_STRAY_SECONDS = 0.2
_ORPHAN_WAVES = 200  # a millisecond each
_IS_LINUX = sys.platform.startswith("linux")

_libc = ctypes.CDLL(None)
if _IS_LINUX:
    _libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


def missing_guards() -> list[str]:
    """Name, each in a sentence, the guards this system does not offer."""
    missing = []
    if Fuse(SystemClock.monotonic_id).is_missing:
        missing.append("user code runs on while worker and zygote are stopped (no timer_create)")
    if _IS_LINUX:
        return missing
    return [
        *missing,
        "executors are not killed by the system when their zygote is killed (no PR_SET_PDEATHSIG)",
        "programs that functions start outlive a zygote that is killed (no F_SETSIG)",
        "daemonised grandchildren of functions are not found (no PR_SET_CHILD_SUBREAPER)",
    ]


def become_subreaper() -> None:
    """Adopt the orphans among our descendants, so that strays can be found; no effect off Linux."""
    if _IS_LINUX:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def unblock_all() -> None:
    """Let every signal come."""
    _signal.pthread_sigmask(signal.SIG_SETMASK, ())


def die_with_parent(parent_pid: int) -> None:
    """Have the system kill this process when `parent_pid` ends; end now if it already has."""
    if _IS_LINUX:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)


def wake_with_parent() -> None:
    """Have the system continue this process, should it be stopped, when its parent's thread ends.

    So that it sees the end of its channel; one that is not stopped does not notice.
    """
    if _IS_LINUX:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGCONT, 0, 0, 0)


def die_before_the_service() -> None:
    """Have the system choose this process, not the service, when memory runs out."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(_OOM_SCORE_ADJ)


def buried_children() -> Iterator[tuple[int, int, resource.struct_rusage]]:
    """Reap the children that have ended, each as wait4(2) tells of it; continue the stopped ones.

    Call it at SIGCHLD, which also comes when a child is stopped: whoever has done that, it serves
    the runs of others or is waited for.
    """
    stopped = []
    with suppress(ChildProcessError):
        while (found := os.wait4(-1, os.WNOHANG | os.WUNTRACED))[0]:
            if os.WIFSTOPPED(found[1]):
                stopped.append(found[0])
            else:
                yield found
    for pid in stopped:  # last, as one that stops again at once would keep us here for ever
        kill_group(pid, signal.SIGCONT)


def wake_on_child_signal() -> int:
    """Return a file descriptor that is readable, until it is drained, once a child has ended."""
    read_fd, write_fd = os.pipe()
    for fd in (read_fd, write_fd):
        os.set_blocking(fd, False)
    signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return read_fd


def drain(fd: int) -> None:
    """Empty a file descriptor that does not block."""
    with suppress(BlockingIOError):
        os.read(fd, 65536)


def kill_adopted(known_pids: Collection[int]) -> list[int]:
    """Kill and reap every child of this process that is not in `known_pids`; return their pids.

    For a subreaper: what it did not start itself was left behind by a dead zygote.
    """
    strays = sorted(own_children() - set(known_pids))
    for pid in strays:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return strays


def kill_strays(known_pids: Collection[int], clock: Clock) -> None:
    """Kill what this process has adopted from the dead, until it is gone, but not for ever."""
    until = clock.monotonic() + _STRAY_SECONDS
    while kill_adopted(known_pids) and clock.monotonic() < until:
        sleep(0.001)


def kill_orphans() -> None:
    """Kill all this process has adopted, in waves, if it is a subreaper without other children."""
    is_subreaper = ctypes.c_int(0)
    if _IS_LINUX:
        _libc.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.addressof(is_subreaper), 0, 0, 0)
    waves = _ORPHAN_WAVES if is_subreaper.value else 0
    while waves and kill_adopted(()):
        waves -= 1
        sleep(0.001)


def kill_group_at_end_of(report_fd: int, pid: int) -> None:
    """Have the system kill the group that `pid` leads when a pipe's other end is closed.

    It also does at each word that comes through the pipe from now on, and needs nobody to be awake:
    `report_fd` is where the zygote tells of the death of `pid`, which then has been killed.
    """
    name_victim_at_end_of(report_fd, pid)
    kill_victim_at_end_of(report_fd)


def kill_victim_at_end_of(report_fd: int) -> None:
    """Do what the victims of a pipe, one after another, have in common."""
    if _IS_LINUX:
        fcntl.fcntl(report_fd, fcntl.F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(report_fd, fcntl.F_GETFL)
        fcntl.fcntl(report_fd, fcntl.F_SETFL, flags | os.O_ASYNC)


def name_victim_at_end_of(report_fd: int, pid: int) -> None:
    """Say whose group it is, in place of the one before; nothing happens if it has ended."""
    if _IS_LINUX:
        with suppress(ProcessLookupError):
            fcntl.fcntl(report_fd, fcntl.F_SETOWN, -pid)


def kill_group(pid: int, number: int = signal.SIGKILL) -> None:
    """Signal the process group that `pid` leads and `pid` itself, which may not lead it yet."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
        return
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
