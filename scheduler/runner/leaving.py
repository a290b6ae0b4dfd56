"""The end of an executor: like that of a Python program, but not for ever."""

import _signal  # type: ignore[import-not-found]  # signal wraps each answer in an enum
import atexit
import os
import signal
from typing import NoReturn

from scheduler.runner import channels, termination
from scheduler.runner.baseline import has_children
from scheduler.runner.exits import EXIT_LEFT_CHILDREN

_LEAVE_SECONDS = 2.0

_exit = os._exit  # user code may patch it


def leave(tidy_code: int = 0) -> NoReturn:
    """Run the exit functions and end; killed by SIGALRM if that takes longer than 2 s.

    tidy_code: the exit code that says that no child is left.
    """
    termination.set_idle(False)
    _signal.signal(signal.SIGALRM, _signal.SIG_DFL)
    _signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGALRM,))
    _signal.setitimer(signal.ITIMER_REAL, _LEAVE_SECONDS)
    try:
        atexit._run_exitfuncs()
        channels.flush_output()
    finally:
        _exit(EXIT_LEFT_CHILDREN if has_children() else tidy_code)
