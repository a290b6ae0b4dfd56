"""The executor's loop: take a call from the control channel, execute it, answer how it ended."""

import atexit
import inspect
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any

from scheduler.clock import monotonic_time, wall_time
from scheduler.crashpoints import crash_point
from scheduler.runner import channels, failure, loading, termination
from scheduler.runner.baseline import Baseline
from scheduler.runner.context import RunContext, RunTerminated, set_current_run
from scheduler.runner.metering import Meter
from scheduler.runner.tally import Tally
from scheduler.runner.text import clean, describe_value
from scheduler.runner.turns import TurnTaker

EXIT_DETACHED = 113  # the user's code closed the control channel: nobody can be told how it ended
_LEAVE_SECONDS = 2.0
_LOOK_SECONDS = 0.002  # how long ago, within a batch, all loaded files may have been looked at

_exit, _getpid, _fstat = os._exit, os.getpid, os.fstat  # user code may patch these


def serve(request: dict[str, Any], fds: Sequence[int]) -> None:
    """Serve calls until the channel closes. Does not return.

    `fds` are control, output, stack and turns, then the tally if there is one; `request` holds
    scan_path and max_rss_bytes (0 = any).
    """
    control_fd, output_fd, stack_fd, turns_fd, *tally_fds = fds
    sys.dont_write_bytecode = True
    control, turns = channels.open_socket(control_fd), channels.open_socket(turns_fd)
    tally = channels.open_tally(tally_fds[0]) if tally_fds else None
    channels.redirect_output(output_fd)
    channels.answer_with_stacks(stack_fd)
    termination.install()
    _Executor(control, turns, tally, request["scan_path"], request["max_rss_bytes"]).serve()


class _Executor:
    """One process's state between runs."""

    def __init__(
        self,
        control: socket.socket,
        turns: socket.socket,
        tally: Tally | None,
        scan_path: str,
        max_rss_bytes: int,
    ) -> None:
        self._control = control
        self._control_fd = control.fileno()
        self._control_id = _identity(self._control_fd)
        self._turns = TurnTaker(turns)
        self._tally = tally
        others = [turns.fileno()] if tally is None else [turns.fileno(), tally.fd]
        self._other_channels = [(fd, _identity(fd)) for fd in others]
        self._scan_path = scan_path
        self._max_rss_bytes = max_rss_bytes
        self._pid = _getpid()
        self._received = b""
        self._modules: dict[str, ModuleType] = {}
        self._functions: dict[tuple[str, str], Callable[[], Any]] = {}
        self._meter = Meter()
        self._baseline = Baseline()

    def serve(self) -> None:
        self._send({"ready": True})
        termination.set_idle(True)
        while (call := self._receive()) is not None:
            termination.set_idle(False)
            if "batch" in call:
                self._work_off(call)
            else:
                self._send(self._load(call["load"]) if "load" in call else self._answer(call))
            termination.set_idle(True)
        _leave()

    def _work_off(self, batch: dict[str, Any]) -> None:
        """Answer the calls of a batch, as long as there are turns and nothing unusual happens.

        The worker does not listen meanwhile: what it should look at ends the batch.
        """
        tally, look_at = self._tally, 0.0
        assert tally is not None, "without one there are no batches"
        for call in batch["batch"]:
            termination.set_idle(True)  # who is terminated here has begun nothing
            if not self._turns.take():
                break
            termination.set_idle(False)
            if (now := monotonic_time()) >= look_at:
                if (stale := self._stale()) is not None:
                    self._send(stale)
                    break
                look_at = now + _LOOK_SECONDS
            turn, run_id = call.pop("turn"), call["run_id"]
            tally.begin(batch["cell"], turn)
            answer = self._execute_call(call)
            is_usual = answer.get("ended") == "success" and "replace" not in answer
            answer["run_id"] = run_id
            if is_usual:
                tally.succeed(batch["cell"], turn)
            self._send(answer)
            if not is_usual or channels.holds_output():
                break
        self._turns.end()

    def _load(self, paths: list[str]) -> dict[str, Any]:
        """Import files ahead of their runs; one that fails is left to its run, which tells why.

        So is one whose import does more than a run may leave behind.
        """
        for path in paths:
            with suppress(BaseException):
                self._modules[path] = loading.load_module(self._scan_path, path)
        channels.flush_output()
        self._baseline.accept_import()
        difference = self._why_replace()
        return {"loaded": len(paths)} | ({"replace": difference} if difference else {})

    def _answer(self, call: dict[str, Any]) -> dict[str, Any]:
        return self._stale() or self._execute_call(call)

    def _stale(self) -> dict[str, Any] | None:
        """Return the answer that refuses a call, if a file that was loaded has changed."""
        stale = loading.changed_file()
        if stale is None:
            return None
        return {"stale": clean(os.path.relpath(stale, self._scan_path))}

    def _execute_call(self, call: dict[str, Any]) -> dict[str, Any]:
        path, qualname = call.pop("module_path"), call.pop("qualname")
        timeout_seconds, began_at = call.pop("timeout_seconds"), wall_time()
        deadline_at = None if timeout_seconds is None else began_at + timeout_seconds
        set_current_run(RunContext(**call, deadline_at=deadline_at))
        answer = self._execute(path, qualname)
        answer["began_at"], answer["ended_at"] = began_at, wall_time()
        set_current_run(None)
        if _getpid() != self._pid:
            _exit(0)  # the user's code forked and both came back; only the parent answers
        return self._measure(answer, path)

    def _execute(self, path: str, qualname: str) -> dict[str, Any]:
        try:
            try:
                termination.arm()
                crash_point("run.begun")
                value = self._call(path, qualname)
                crash_point("run.returned")
            finally:
                termination.disarm()
        except BaseException as error:  # noqa: BLE001 - whatever it raises is its verdict
            answer = _failed(error)
        else:
            answer = {"ended": "success"}
            if value is not None:
                answer["result"] = clean(describe_value(value))
        channels.flush_output()
        return answer

    def _call(self, path: str, qualname: str) -> Any:
        function = self._functions.get((path, qualname))
        if function is None:
            function = loading.find_function(self._module(path), path, qualname)
            self._functions[path, qualname] = function
        value = function()
        if not inspect.iscoroutine(value):
            return value
        import asyncio  # loaded in every zygote; the service itself never needs it

        return asyncio.run(value)

    def _module(self, path: str) -> ModuleType:
        module = self._modules.get(path)
        if module is None:
            module = self._modules[path] = loading.load_module(self._scan_path, path)
            self._baseline.accept_import()
        return module

    def _measure(self, answer: dict[str, Any], path: str) -> dict[str, Any]:
        answer["source_hash"] = loading.source_hash(os.path.join(self._scan_path, path))
        answer["peak_rss_bytes"], answer["cpu_seconds"] = self._meter.read()
        answer["cpu_total_seconds"] = self._meter.cpu_total_seconds
        replace = self._why_replace()
        if replace is not None:
            answer["replace"] = replace
        return answer

    def _why_replace(self) -> str | None:
        try:
            difference = self._baseline.difference()
        except Exception as error:  # noqa: BLE001 - user code may have broken what we look with
            return f"its state cannot be told ({type(error).__name__})"
        if any(_identity(fd) != identity for fd, identity in self._other_channels):
            return "a channel of the scheduler was closed"
        if difference is None and 0 < self._max_rss_bytes < self._meter.resident_bytes():
            return f"it held more than max_rss_mb = {self._max_rss_bytes >> 20}"
        return difference

    def _receive(self) -> dict[str, Any] | None:
        while b"\n" not in self._received:
            part = self._control.recv(65536)
            if not part:
                return None
            self._received += part
        # There may be more: a batch whose turns were all taken back, and what followed it.
        line, _, self._received = self._received.partition(b"\n")
        return json.loads(line)  # type: ignore[no-any-return]  # written by the pool

    def _send(self, answer: dict[str, Any]) -> None:
        if _identity(self._control_fd) != self._control_id:
            _exit(EXIT_DETACHED)
        self._control.sendall(json.dumps(answer).encode() + b"\n")


def _failed(error: BaseException) -> dict[str, Any]:
    ended = "terminated" if isinstance(error, RunTerminated) else "error"
    told = failure.describe(error)
    answer: dict[str, Any] = {
        "ended": ended,
        "error_type": told.error_type,
        "error_message": told.message,
        "traceback": told.traceback,
    }
    if isinstance(error, SystemExit):
        code = error.code
        answer["exit_code"] = 0 if code is None else code & 0xFF if isinstance(code, int) else 1
    return answer


def _identity(fd: int) -> tuple[int, int] | None:
    try:
        found = _fstat(fd)
    except OSError:
        return None
    return (found.st_dev, found.st_ino)


def _leave() -> None:
    """End as a Python program would, exit functions included, but not for ever."""
    termination.set_idle(False)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, _LEAVE_SECONDS)
    try:
        atexit._run_exitfuncs()
        channels.flush_output()
    finally:
        _exit(0)
