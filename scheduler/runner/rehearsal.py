"""What a stem does before its children do it: take a call, load a file, execute it, answer.

CPython makes bytecode quick as it is executed, by writing into it. Each child would begin anew with
that, in pages that it has to copy before it can write.
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduler import crashpoints
from scheduler.clock import wall_time
from scheduler.decorators import schedule
from scheduler.runner import loading, wire
from scheduler.runner.control import ControlChannel
from scheduler.runner.sources import compile_ahead

_TIMES = 16  # CPython 3.11 begins to at the eighth time
_CALL = {
    "name": "rehearsal.nothing",
    "run_id": 0,
    "module_path": os.path.basename(__file__),
    "qualname": "nothing",
    "scheduled_for": 0.0,
    "attempt": 1,
    "trigger": "schedule",
    "timeout_seconds": None,
}

_Find = Callable[[str, str], Callable[[], Any]]


@schedule(
    timedelta(days=1),
    start=datetime.fromtimestamp(0, UTC),
    jitter=timedelta(minutes=1),
    catch_up="skip",
    grace=timedelta(hours=1),
    overlap="allow",
    timeout=timedelta(hours=1),
    retries=1,
    isolated=True,
)
def nothing() -> None:
    """Stand for a user's function, as this file does for theirs."""


def rehearse(answer: Callable[[dict[str, Any], _Find], dict[str, Any]]) -> None:
    """Have `answer(call, find)` called a few times, with calls and answers sent as real ones are.

    Leaves nothing behind but its own file, compiled. Does nothing where a test waits for a process
    to get to a crash point: this is no run.
    """
    if crashpoints.IS_ON:
        return
    compile_ahead(__file__, wall_time())
    worker, executor = socket.socketpair()
    with worker, executor, suppress(OSError):
        control = ControlChannel(executor)
        for _ in range(_TIMES):
            worker.sendall(wire.encode(_CALL).encode() + b"\n")
            control.wait()
            if (call := control.receive()) is not None:
                control.send(answer(call, _find))
            worker.recv(65536)


def _find(path: str, qualname: str) -> Callable[[], Any]:
    return loading.find_function(loading.load_once(__file__), path, qualname)
