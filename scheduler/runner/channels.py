"""The executor's own file descriptors, kept out of the user's way."""

import ctypes
import faulthandler
import fcntl
import os
import resource
import signal
import socket
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from scheduler.runner.tally import Tally

_RESERVED = 8  # descriptors at the top of the allowed range
_HIGHEST = 4_096  # the kernel keeps a table up to the highest descriptor in use

_libc = ctypes.CDLL(None)
_ioctl, _dup2 = fcntl.ioctl, os.dup2  # user code may patch these
_opened: list[Callable[[], None]] = []  # what closes them


def open_socket(fd: int) -> socket.socket:
    """Move a channel out of the user's reach and open it."""
    opened = socket.socket(fileno=move_high(fd))
    _opened.append(opened.close)
    return opened


def open_tally(fd: int) -> Tally:
    """Move the tally of the worker's batches there as well and open it."""
    tally = Tally(move_high(fd))
    _opened.append(tally.close)
    return tally


def keep(fd: int) -> None:
    """Move a descriptor there that nobody here reads or writes."""
    kept = move_high(fd)
    _opened.append(lambda: os.close(kept))


def abandon() -> None:
    """Let go of the channels; for children that the user's code forks."""
    while _opened:
        with suppress(OSError):
            _opened.pop()()


def holds_output() -> bool:
    """Tell whether something was printed that the worker has not read yet."""
    waiting = bytearray(4)
    try:
        _ioctl(1, termios.FIONREAD, waiting)
    except OSError:
        return True
    return any(waiting)


def redirect_output(fd: int) -> None:
    """Make `fd` standard output and standard error, line-buffered, able to print any text."""
    for target in (1, 2):
        os.dup2(fd, target)
    if fd > 2:
        os.close(fd)
    sys.stdout = sys.__stdout__ = _open_text(1)  # type: ignore[misc,assignment]
    sys.stderr = sys.__stderr__ = _open_text(2)  # type: ignore[misc,assignment]
    faulthandler.enable(file=2)  # a crash leaves its Python stack in the output


def open_nowhere() -> int:
    """Return a descriptor for `silence`."""
    return move_high(os.open(os.devnull, os.O_WRONLY))


def silence(nowhere_fd: int) -> None:
    """Drop what is printed from here on."""
    for target in (1, 2):
        with suppress(OSError):
            _dup2(nowhere_fd, target)


def answer_with_stack(fd: int) -> None:
    """At each SIGUSR2 have the thread that gets it write its stack to `fd`, even out of C code.

    Nothing else happens to it: the kernel takes up again what the signal has interrupted. (Not what
    it never does, poll(2) and sleeps, see signal(7): there Python does, and C code has to.)
    """
    faulthandler.register(signal.SIGUSR2, file=fd, all_threads=False, chain=False)


def flush_output() -> None:
    """Push out what print and C libraries still hold; the user may have closed anything."""
    for stream in (sys.stdout, sys.__stdout__, sys.stderr):
        with suppress(Exception):
            stream.flush()  # type: ignore[union-attr]  # None is among what is suppressed
    _libc.fflush(None)


def _open_text(fd: int) -> TextIO:
    return open(fd, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def move_high(fd: int) -> int:
    """Move a descriptor to where `os.closerange(3, 1000)` does not reach; return what it is now."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    top = _HIGHEST if soft == resource.RLIM_INFINITY else min(soft, _HIGHEST)
    try:
        moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, max(3, top - _RESERVED))
    except OSError:
        os.set_inheritable(fd, False)
        return fd
    os.close(fd)
    return moved
