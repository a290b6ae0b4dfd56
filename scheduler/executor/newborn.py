"""The first moments of a forked process: cut every tie to the zygote but the wanted ones."""

import os
import signal
import sys
import traceback
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

from scheduler.executor.guards import become_subreaper, die_before_the_service, die_with_parent
from scheduler.executor.title import set_title
from scheduler.runner.exits import EXIT_BROKEN

TARGETS = {
    "executor": "scheduler.runner.serving",
    "stem": "scheduler.executor.stem",
    "inspect": "scheduler.runner.inspection",
}
ZYGOTE_IGNORES = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_PYTHON_IGNORES = {signal.SIGPIPE, getattr(signal, "SIGXFSZ", None)}
_UNTOUCHABLE = {signal.SIGKILL, signal.SIGSTOP}


def live(zygote_pid: int, target: str, request: dict[str, Any], fds: Sequence[int]) -> None:
    """Run `serve(request, fds)` of the target's module in this freshly forked process, then end."""
    code = 0
    try:
        _drop_zygotes_signals()
        os.setpgid(0, 0)
        die_with_parent(zygote_pid)
        become_subreaper()
        die_before_the_service()
        _close_all_but(fds)
        set_title(f"scheduler {target} {_subject(request)}")
        import_module(TARGETS[target]).serve(request, fds)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else EXIT_BROKEN
    except BaseException:  # noqa: BLE001 - nothing may return into the zygote's loop
        code = EXIT_BROKEN
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            flush(stream)
        os._exit(code)


def reset_inherited_signals() -> None:
    """Forget what the zygote's own parent ignored or blocked; once, before the first fork."""
    for number in signal.valid_signals() - {*_UNTOUCHABLE, *ZYGOTE_IGNORES}:
        wanted = signal.SIG_IGN if number in _PYTHON_IGNORES else signal.SIG_DFL
        signal.signal(number, wanted)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _drop_zygotes_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in ZYGOTE_IGNORES:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _close_all_but(fds: Iterable[int]) -> None:
    last = 2
    for fd in sorted(fds):
        os.closerange(last + 1, fd)
        last = fd
    os.closerange(last + 1, os.sysconf("SC_OPEN_MAX"))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    if null > 0:
        os.close(null)


def _subject(request: dict[str, Any]) -> str:
    return "/".join(request[key] for key in ("scan_path", "module_path") if key in request)


def flush(stream: Any) -> None:
    """Push out what a stream holds, if it can."""
    try:
        stream.flush()
    except Exception:  # noqa: BLE001 - closed or None: then there is nothing to lose
        return
