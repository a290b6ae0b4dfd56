"""The executor's loop: take a call from the control channel, execute it, answer how it ended."""

import os
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any

from scheduler.clock import monotonic_time
from scheduler.runner import channels, loading, termination
from scheduler.runner.baseline import Baseline
from scheduler.runner.calling import execute
from scheduler.runner.common import Newcomers
from scheduler.runner.control import ControlChannel, identity
from scheduler.runner.leaving import leave
from scheduler.runner.metering import Meter
from scheduler.runner.tally import Tally
from scheduler.runner.text import clean
from scheduler.runner.turns import TurnTaker

_LOOK_SECONDS = 0.002  # how long ago, within a batch, all loaded files may have been looked at


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
    channels.answer_with_stack(channels.move_high(stack_fd))
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
        self._control = ControlChannel(control)
        self._turns = TurnTaker(turns)
        self._tally = tally
        others = [turns.fileno()] if tally is None else [turns.fileno(), tally.fd]
        self._other_channels = [(fd, identity(fd)) for fd in others]
        self._scan_path = scan_path
        self._max_rss_bytes = max_rss_bytes
        self._modules: dict[str, ModuleType] = {}
        self._functions: dict[tuple[str, str], Callable[[], Any]] = {}
        self._meter = Meter()
        loading.enter_scan_path(scan_path)
        self._baseline = Baseline()
        self._newcomers = Newcomers()

    def serve(self) -> None:
        self._control.send({"ready": True})
        termination.set_idle(True)
        while (call := self._control.receive()) is not None:
            termination.set_idle(False)
            if "batch" in call:
                self._work_off(call)
            else:
                answer = self._load(call["load"]) if "load" in call else self._answer(call)
                self._control.send(answer)
            termination.set_idle(True)
        leave()

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
                if (stale := self._stale(call)) is not None:
                    self._control.send(stale)
                    break
                look_at = now + _LOOK_SECONDS
            turn = call.pop("turn")
            tally.begin(batch["cell"], turn)
            answer = self._execute_call(call)
            is_usual = answer.get("ended") == "success" and "replace" not in answer
            if is_usual:
                tally.succeed(batch["cell"], turn)
            self._control.send(answer)
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
        return self._stale(call) or self._execute_call(call)

    def _stale(self, call: dict[str, Any]) -> dict[str, Any] | None:
        """Return the answer that refuses a call, if a file that was loaded has changed."""
        stale = loading.changed_file()
        if stale is None:
            return None
        return {"stale": clean(os.path.relpath(stale, self._scan_path)), "run_id": call["run_id"]}

    def _execute_call(self, call: dict[str, Any]) -> dict[str, Any]:
        path = call["module_path"]
        return self._measure(execute(call, self._find), path)

    def _find(self, path: str, qualname: str) -> Callable[[], Any]:
        function = self._functions.get((path, qualname))
        if function is None:
            function = loading.find_function(self._module(path), path, qualname)
            self._functions[path, qualname] = function
        return function

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
        if imports := self._newcomers.take():
            answer["imports"] = imports
            if replace is None:
                self._baseline.accept_import()
        return answer

    def _why_replace(self) -> str | None:
        try:
            difference = self._baseline.difference()
        except Exception as error:  # noqa: BLE001 - user code may have broken what we look with
            return f"its state cannot be told ({type(error).__name__})"
        if any(identity(fd) != before for fd, before in self._other_channels):
            return "a channel of the scheduler was closed"
        if difference is None and 0 < self._max_rss_bytes < self._meter.resident_bytes():
            return f"it held more than max_rss_mb = {self._max_rss_bytes >> 20}"
        return difference
