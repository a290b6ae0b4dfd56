"""The one call of a process that a stem has forked: take it, execute it, answer, leave."""

import _thread
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from scheduler.crashpoints import crash_point
from scheduler.runner import channels, loading, slate, termination
from scheduler.runner.baseline import leftover
from scheduler.runner.calling import execute
from scheduler.runner.common import Newcomers
from scheduler.runner.control import ControlChannel
from scheduler.runner.exits import EXIT_TIDY
from scheduler.runner.leaving import leave
from scheduler.runner.metering import used
from scheduler.runner.slate import Slate

_kill = os.kill  # user code may patch it


def serve_one(
    control: ControlChannel,
    page: Slate,
    newcomers: Newcomers,
    *,
    scan_path: str,
    stem_pid: int,
    cpu_before: float,
    nowhere_fd: int,
) -> NoReturn:
    """Serve the next call, and tell on the page how far it has come.

    cpu_before: the CPU seconds of the stem, which count in what the zygote tells of both.
    """
    os.set_blocking(1, True)  # a run before this one may have changed what all share
    call = _take(control, page)
    answer = _execute(call, scan_path)
    answer["cpu_total_seconds"] += cpu_before
    imports = newcomers.take()
    if imports:
        answer["imports"] = imports
    line = control.encode(answer)
    page.note_needs([*imports, *loading.read_files()])
    channels.silence(nowhere_fd)  # what comes after the answer would be taken for the next run's
    page.state = slate.ANSWERING
    crash_point("isolated.answering")
    control.transmit(line)
    crash_point("isolated.answered")
    page.state = slate.ANSWERED
    with suppress(OSError):  # the function may have become another user, who may not
        _kill(stem_pid, signal.SIGUSR1)  # the next call need not wait until we have left
    leave(EXIT_TIDY)


def _take(control: ControlChannel, page: Slate) -> dict[str, Any]:
    """Wait for a call and take it; leave if there is none any more."""
    termination.set_idle(True)
    control.wait()
    crash_point("isolated.waiting")
    page.state = slate.TAKEN  # before it is taken: who finds it there may be the first to do so
    crash_point("isolated.taken")
    call = control.receive()
    if call is None:
        page.state = slate.OVER
        leave(EXIT_TIDY)
    page.run_id = call["run_id"]
    termination.set_idle(False)
    return call


def _execute(call: dict[str, Any], scan_path: str) -> dict[str, Any]:
    path, threads = call["module_path"], 0

    def find(path: str, qualname: str) -> Callable[[], Any]:
        nonlocal threads
        loading.reenter_scan_path(scan_path)
        module = loading.load_module(scan_path, path)
        threads = _thread._count()  # what an import starts may stay, as in other executors
        return loading.find_function(module, path, qualname)

    answer = measure(call, find)
    answer["source_hash"] = loading.source_hash(os.path.join(scan_path, path))
    if left := leftover(threads):
        answer["replace"] = left
    return answer


def measure(call: dict[str, Any], find: Callable[[str, str], Callable[[], Any]]) -> dict[str, Any]:
    """Execute a call; return how it ended and what it has used."""
    cpu_at_start = used().cpu_seconds
    answer = execute(call, find)
    spent = used()
    answer["peak_rss_bytes"] = spent.peak_rss_bytes
    answer["cpu_seconds"] = spent.cpu_seconds - cpu_at_start
    answer["cpu_total_seconds"] = spent.cpu_seconds
    return answer
