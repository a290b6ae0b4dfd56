"""The stem: an executor of isolated runs, each in a process that it forks before the call comes.

It serves one scan path and never executes what it finds there; for those that it forks it compiles
ahead the files that others had to read, and imports the common modules that they had to. They take
calls from the control channel and answer them by themselves. For one that dies before it has
answered, the stem does.
"""

import _signal  # type: ignore[import-not-found]  # signal wraps each answer in an enum
import gc
import os
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

from scheduler.clock import SystemClock
from scheduler.executor.guards import (
    become_subreaper,
    buried_children,
    die_with_parent,
    kill_group,
    kill_strays,
    kill_victim_at_end_of,
    name_victim_at_end_of,
    unblock_all,
)
from scheduler.executor.threads import ask_threads, stack_head
from scheduler.executor.title import set_title
from scheduler.runner import channels, slate, termination
from scheduler.runner.common import Newcomers, import_ahead
from scheduler.runner.control import ControlChannel
from scheduler.runner.exits import EXIT_TERMINATED_IDLE, EXIT_TIDY, EXIT_UNFORKED
from scheduler.runner.isolation import measure, serve_one
from scheduler.runner.loading import enter_scan_path
from scheduler.runner.metering import MAXRSS_UNIT, used
from scheduler.runner.rehearsal import rehearse
from scheduler.runner.slate import Slate
from scheduler.runner.sources import compile_ahead

_AWAITED = {signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM}
_MOST_FAILURES = 3  # processes that died before a call came, one after another


def serve(request: dict[str, Any], fds: Sequence[int]) -> None:
    """Have calls served until the channel closes. Does not return.

    `fds` are control, output, stack and turns, then the tally if there is one; `request` holds
    scan_path.
    """
    control_fd, output_fd, stack_fd, turns_fd, *tally_fds = fds
    os.close(turns_fd)
    for fd in tally_fds:
        channels.keep(fd)  # while it is open the worker's lock is held: user code may be running
    sys.dont_write_bytecode = True
    control = ControlChannel(channels.open_socket(control_fd))
    channels.redirect_output(output_fd)
    stack_fd = channels.move_high(stack_fd)
    channels.answer_with_stack(stack_fd)
    termination.install(is_stem=True)
    enter_scan_path(request["scan_path"])
    set_title(f"scheduler executor {request['scan_path']}")
    _Stem(control, stack_fd, request["scan_path"]).serve()


class _Stem:
    """One thread that waits for signals, all of them blocked; those it forks unblock them."""

    def __init__(self, control: ControlChannel, stack_fd: int, scan_path: str) -> None:
        self._control = control
        self._stack_fd = stack_fd
        self._scan_path = scan_path
        self._pid = os.getpid()
        self._clock = SystemClock()
        self._page = Slate()
        self._newcomers = Newcomers()
        self._nowhere_fd = channels.open_nowhere()
        self._end_fd, self._life_fd = map(channels.move_high, os.pipe())
        kill_victim_at_end_of(self._end_fd)
        self._child = 0
        self._leaving: set[int] = set()  # they have answered, and run exit functions
        self._failures = 0
        self._is_rehearsed = False
        self._is_unwanted = False  # told to end when there was nobody to hand that on to

    def serve(self) -> NoReturn:
        """Keep one process waiting for the next call."""
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self._control.send({"ready": True})
        while self._page.state != slate.OVER:
            needs = self._page.take_needs()
            self._fork()
            self._prepare(needs)  # for those after it: the next call has its process already
            self._wait()
        while self._leaving:
            _signal.sigwait({signal.SIGCHLD})
            self._reap()
        os._exit(0)

    def _fork(self) -> None:
        if self._is_unwanted or signal.SIGTERM in _signal.sigpending():
            os._exit(EXIT_TERMINATED_IDLE)
        self._page.state, self._page.run_id = slate.WAITING, None
        cpu_before = used().cpu_seconds
        try:
            self._child = os.fork()
        except OSError:
            os._exit(EXIT_UNFORKED)
        if self._child == 0:
            self._live(cpu_before)
        with suppress(OSError):  # it does the same; whoever comes first
            os.setpgid(self._child, self._child)

    def _live(self, cpu_before: float) -> NoReturn:
        """Be the process that was forked; what it starts dies with its group when the stem ends."""
        os.setpgid(0, 0)
        die_with_parent(self._pid)
        become_subreaper()
        os.close(self._life_fd)
        name_victim_at_end_of(self._end_fd, os.getpid())
        unblock_all()
        serve_one(
            self._control,
            self._page,
            self._newcomers,
            scan_path=self._scan_path,
            stem_pid=self._pid,
            cpu_before=cpu_before,
            nowhere_fd=self._nowhere_fd,
        )

    def _prepare(self, needs: Sequence[str]) -> None:
        for need in needs:
            if os.path.isabs(need):
                compile_ahead(need, self._clock.now())
        is_larger = import_ahead(needs)
        if not self._is_rehearsed:
            self._is_rehearsed = is_larger = True
            rehearse(measure)
        if is_larger:
            self._newcomers = Newcomers()
            gc.collect()
            gc.freeze()  # as in the zygote

    def _wait(self) -> None:
        """Wait until the next process is needed: this one has ended, or has answered."""
        while True:
            number = _signal.sigwait(_AWAITED)
            if number == signal.SIGUSR2:
                ask_threads(self._child, self._head_stack, clock=self._clock)
            elif number == signal.SIGTERM and self._page.state in (slate.WAITING, slate.TAKEN):
                kill_group(self._child, signal.SIGTERM)
            elif number == signal.SIGTERM:  # it is for the call that follows
                self._is_unwanted = True
            elif number == signal.SIGCHLD and (dead := self._reap()) is not None:
                return self._bury(*dead)
            elif self._page.state == slate.ANSWERED:
                self._leaving.add(self._child)
                return None

    def _head_stack(self, thread_id: int) -> None:
        with suppress(OSError):  # the worker has let go of us
            os.write(self._stack_fd, stack_head(self._child, thread_id))

    def _reap(self) -> tuple[int, resource.struct_rusage] | None:
        """Take leave of all that have ended; return how the one that serves has, if it has."""
        found, is_tidy = None, True
        for pid, status, usage in buried_children():
            is_tidy &= os.waitstatus_to_exitcode(status) == EXIT_TIDY
            self._leaving.discard(pid)
            if pid == self._child:
                found = status, usage
        if not is_tidy:  # it may have left some: what nobody here forked was adopted
            known = {*self._leaving, *([self._child] if found is None else [])}
            kill_strays(known, self._clock)
        return found

    def _bury(self, status: int, usage: resource.struct_rusage) -> None:
        """Answer for the dead one, if it has taken a call and is not known to have answered.

        Should it have, nobody listens to this answer, which names its run.
        """
        state, is_killed = self._page.state, os.WIFSIGNALED(status)
        code = os.WTERMSIG(status) if is_killed else os.WEXITSTATUS(status)
        if state == slate.WAITING:
            self._failures += 1
            if not is_killed and code == EXIT_TERMINATED_IDLE:  # the call that may wait is unwanted
                os._exit(EXIT_TERMINATED_IDLE)
            if self._failures == _MOST_FAILURES:
                os._exit(EXIT_UNFORKED)
            return
        self._failures = 0
        if state not in (slate.TAKEN, slate.ANSWERING):
            return
        if state == slate.TAKEN:
            self._control.forget()  # the call, which the next one must not find
        self._control.send(
            {
                "ended": "died",
                "run_id": self._page.run_id,
                "signal" if is_killed else "exit_code": code,
                "peak_rss_bytes": usage.ru_maxrss * MAXRSS_UNIT,
                "cpu_seconds": usage.ru_utime + usage.ru_stime,
                "cpu_total_seconds": used().cpu_seconds,
            }
        )
