"""What a process was like when it started, and how a run left it."""

import _signal  # type: ignore[import-not-found]  # signal wraps each answer in an enum
import _socket
import _thread
import builtins
import datetime
import json
import logging
import os
import random
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from os import (  # may be patched
    PRIO_PROCESS,
    close,
    dup,
    fstat,
    get_blocking,
    getcwd,
    getgroups,
    getpriority,
    umask,
)
from resource import getrlimit
from typing import Any

from scheduler.runner.chance import Chance
from scheduler.runner.settings import Settings

_waitid, _waitpid = getattr(os, "waitid", None), os.waitpid
_user_ids = getattr(os, "getresuid", os.geteuid)  # macOS has neither these two
_group_ids = getattr(os, "getresgid", os.getegid)
_affinity = getattr(os, "sched_getaffinity", None)  # nor this
_switch_interval = sys.getswitchinterval

_CORE_MODULES = (
    *("sys", "os", "builtins", "time", "json", "threading", "logging", "subprocess", "socket"),
    *("signal", "datetime", "random", "io", "re", "asyncio", "traceback", "importlib", "pathlib"),
    *("functools", "collections"),
)
_PATCHED: tuple[tuple[Any, str], ...] = (
    *((builtins, name) for name in ("open", "print", "input", "__import__", "len", "repr")),
    *((time, name) for name in ("time", "sleep", "monotonic", "perf_counter")),
    *((random, name) for name in ("random", "randint", "choice", "uniform")),
    *((os, name) for name in ("environ", "getcwd", "listdir", "remove", "getpid", "fork")),
    *((datetime, name) for name in ("datetime", "date")),
    *((sys, name) for name in ("exit", "stdin", "stdout", "stderr", "excepthook")),
    *((json, name) for name in ("dumps", "loads")),
    (socket, "socket"),
    (subprocess, "Popen"),
    (threading, "Thread"),
    (logging, "getLogger"),
)
_WATCHED_SIGNALS = tuple(
    int(getattr(_signal, f"SIG{name}"))
    for name in ("HUP", "INT", "QUIT", "TERM", "ALRM", "CHLD", "PIPE", "USR1", "USR2", "WINCH")
)
_LIMITS = tuple(
    getattr(resource, f"RLIMIT_{name}")
    for name in ("AS", "CPU", "DATA", "STACK", "NOFILE", "FSIZE", "NPROC", "CORE")
)
_RUNS_A_LOOK = 10  # for descriptors that were left open
_OUTPUTS = ("standard input", "standard output", "standard error")


class Baseline:
    """Compares the process with what it was; reading it costs some microseconds."""

    def __init__(self) -> None:
        self._umask = umask(0o077)
        umask(self._umask)
        self._looks = [(look, look(), what) for look, what in _LOOKS]
        self._chance = Chance()
        self._settings = Settings()
        self._functions = [(owner, name, getattr(owner, name, None)) for owner, name in _PATCHED]
        self.accept_import()

    def accept_import(self) -> None:
        """Take what importing a user's file may rightly change as the new normal."""
        self._environ = dict(_raw_environ())
        self._path = list(sys.path)
        found = [(name, sys.modules.get(name)) for name in _CORE_MODULES]
        self._modules = [(name, module) for name, module in found if module is not None]
        self._settings.accept()
        self._threads = _thread._count()
        self._recursion_limit = sys.getrecursionlimit()
        self._most_open = getrlimit(resource.RLIMIT_NOFILE)[0] // 2
        self._unseen_runs = 0

    def difference(self) -> str | None:
        """Say in words what is not as it was, None if all is; `random` is seeded anew instead."""
        self._chance.restore()
        if sys.getrecursionlimit() != self._recursion_limit:
            sys.setrecursionlimit(self._recursion_limit)
            return "the recursion limit was changed"
        if umask(self._umask) != self._umask:
            return "the umask was changed"
        for look, before, what in self._looks:
            if look() != before:
                return f"{what} was changed"
        for owner, name, before in self._functions:
            if getattr(owner, name, None) is not before:
                return f"{getattr(owner, '__name__', owner)}.{name} was replaced"
        return self._difference_in_state() or leftover(self._threads)

    def _difference_in_state(self) -> str | None:
        if _raw_environ() != self._environ:
            return "the environment was changed"
        if sys.path != self._path:
            return "sys.path was changed"
        modules = sys.modules
        for name, module in self._modules:
            if modules.get(name) is not module:
                return f"the module {name} was replaced"
        return self._settings.difference() or self._difference_in_descriptors()

    def _difference_in_descriptors(self) -> str | None:
        """Looks seldom: to ask for a descriptor costs as much as all else together."""
        self._unseen_runs += 1
        if self._unseen_runs < _RUNS_A_LOOK:
            return None
        self._unseen_runs = 0
        return "many files or sockets were left open" if _lowest_free() > self._most_open else None


def _lowest_free() -> int:
    """Return the lowest descriptor that is not in use; our own are at the other end."""
    fd = dup(1)
    close(fd)
    return fd


LEFT_RUNNING = "it left behind"  # what begins so is still executing: kill, do not retire


def leftover(threads: int) -> str | None:
    """Say in words what a run has left behind; `threads` are those that may be there."""
    if _thread._count() > threads:
        return f"{LEFT_RUNNING} a thread"
    if has_children():
        return f"{LEFT_RUNNING} a child process"
    return None


def has_children() -> bool:
    """Tell whether this process has children, dead or alive, its own or adopted."""
    try:
        if _waitid is not None:
            _waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        else:
            _waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def _raw_environ() -> dict[bytes, bytes]:
    return os.environ._data  # type: ignore  # the mapping would decode every value


def _cwd() -> str | None:
    try:
        return getcwd()
    except OSError:
        return None


def _stream(fd: int) -> Callable[[], tuple[int, int] | None]:
    def look() -> tuple[int, int] | None:
        try:
            found = fstat(fd)
        except OSError:
            return None
        return (found.st_dev, found.st_ino)

    return look


def _is_blocking() -> bool | None:
    try:
        return get_blocking(1)
    except OSError:
        return None


def _handlers() -> list[Any]:
    return [_signal.getsignal(number) for number in _WATCHED_SIGNALS]


def _mask() -> Any:
    return _signal.pthread_sigmask(_signal.SIG_BLOCK, ())


def _timer() -> tuple[float, float]:
    return _signal.getitimer(_signal.ITIMER_REAL)  # type: ignore[no-any-return]


def _cpu_timers() -> tuple[Any, Any]:
    return (_signal.getitimer(_signal.ITIMER_VIRTUAL), _signal.getitimer(_signal.ITIMER_PROF))


def _limits() -> list[tuple[int, int]]:
    return [getrlimit(limit) for limit in _LIMITS]


def _niceness() -> int:
    return getpriority(PRIO_PROCESS, 0)


def _owner() -> tuple[Any, Any, list[int]]:
    return (_user_ids(), _group_ids(), getgroups())


def _cpus() -> set[int] | None:
    return _affinity(0) if _affinity is not None else None


def _tracers() -> tuple[Any, Any]:
    return (sys.gettrace(), sys.getprofile())


_LOOKS: tuple[tuple[Callable[[], Any], str], ...] = (
    (_cwd, "the working directory"),
    *((_stream(fd), name) for fd, name in enumerate(_OUTPUTS)),
    (_is_blocking, "whether standard output blocks"),
    (_handlers, "a signal handler"),
    (_mask, "the signal mask"),
    (_timer, "the alarm timer"),
    (_cpu_timers, "a CPU timer"),
    (_limits, "a resource limit"),
    (_niceness, "the niceness"),
    (_owner, "the user or a group"),
    (_cpus, "the CPU affinity"),
    (_tracers, "the trace function"),
    (_switch_interval, "the thread switch interval"),
    (_socket.getdefaulttimeout, "the default socket time-out"),
)
