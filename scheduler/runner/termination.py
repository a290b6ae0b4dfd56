"""Turns SIGTERM into an exception inside the user's call, and into nothing after it."""

import _signal  # type: ignore[import-not-found]  # signal wraps each answer in an enum
import os
import signal
from collections.abc import Iterable
from types import FrameType

from scheduler.runner import channels
from scheduler.runner.awaiting import describe_awaiting
from scheduler.runner.context import RunTerminated
from scheduler.runner.exits import EXIT_TERMINATED_IDLE

_getpid, _getppid = os.getpid, os.getppid  # user code may patch these
_armed = False
_idle = False
_pending = False
_stem_pid = 0
_mask: Iterable[int] = ()  # as it was before a fork


def install(*, is_stem: bool = False) -> None:
    """Listen for SIGTERM; children of the user's code get the default disposition back.

    is_stem: it is for those that this process forks, and is to last in them.
    """
    global _stem_pid
    _stem_pid = _getpid() if is_stem else 0
    signal.signal(signal.SIGTERM, _on_terminate)
    os.register_at_fork(
        before=_hold_back, after_in_parent=_let_go, after_in_child=_become_users_child
    )


def arm() -> None:
    """From here to `disarm` a SIGTERM raises RunTerminated, also one that came a little early."""
    global _armed
    _armed = True
    if _pending:
        raise RunTerminated


def disarm() -> None:
    """From here on a SIGTERM is too late to matter."""
    global _armed
    _armed = False


def set_idle(is_idle: bool) -> None:
    """Between runs a SIGTERM ends the process, also one that came as a run was wound up."""
    global _idle
    _idle = is_idle
    if is_idle and _pending:
        os._exit(EXIT_TERMINATED_IDLE)


def _on_terminate(_number: int, _frame: FrameType | None) -> None:
    global _pending
    if _armed:
        terminated = RunTerminated()
        if awaiting := describe_awaiting():
            terminated.add_note(awaiting)
        raise terminated
    if _idle:
        os._exit(EXIT_TERMINATED_IDLE)
    _pending = True


def _hold_back() -> None:
    """Python drops what reaches a child before its handlers are reset: hold it in the kernel."""
    global _mask
    _mask = _signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))


def _let_go() -> None:
    _signal.pthread_sigmask(signal.SIG_SETMASK, _mask)


def _become_users_child() -> None:
    """What the user's code forks must neither answer for us nor survive what it would survive."""
    if _getppid() == _stem_pid:
        return
    if signal.getsignal(signal.SIGTERM) is _on_terminate:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    channels.abandon()
    _let_go()
