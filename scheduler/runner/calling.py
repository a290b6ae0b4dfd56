"""Executes one call of a user's function in this process, and says how it ended."""

import os
from collections.abc import Callable
from types import CoroutineType
from typing import Any

from scheduler.clock import wall_time
from scheduler.crashpoints import crash_point
from scheduler.decorators import spec_of
from scheduler.runner import channels, failure, termination
from scheduler.runner.context import RunContext, RunTerminated, set_current_run
from scheduler.runner.text import clean, describe_value

_exit, _getpid = os._exit, os.getpid  # user code may patch these


def execute(call: dict[str, Any], find: Callable[[str, str], Callable[[], Any]]) -> dict[str, Any]:
    """Return how a call ended, and when it began and ended; whatever it raises is its verdict.

    `find(module_path, qualname)` returns the function; it may import the file. One that its file
    has switched off is called by hand only, whatever the last scan saw.
    """
    pid = _getpid()
    path, qualname, run_id = call.pop("module_path"), call.pop("qualname"), call["run_id"]
    timeout_seconds, began_at = call.pop("timeout_seconds"), wall_time()
    deadline_at = None if timeout_seconds is None else began_at + timeout_seconds
    set_current_run(RunContext(**call, deadline_at=deadline_at))
    answer = _execute(find, path, qualname, is_by_hand=call["trigger"] == "manual")
    answer["run_id"], answer["began_at"], answer["ended_at"] = run_id, began_at, wall_time()
    set_current_run(None)
    if _getpid() != pid:
        _exit(0)  # the user's code forked and both came back; only the parent answers
    return answer


def _execute(
    find: Callable[[str, str], Callable[[], Any]], path: str, qualname: str, *, is_by_hand: bool
) -> dict[str, Any]:
    try:
        try:
            termination.arm()
            crash_point("run.begun")
            function = find(path, qualname)
            is_off = not is_by_hand and _is_disabled(function)
            value = None if is_off else _call(function)
            crash_point("run.returned")
        finally:
            termination.disarm()
    except BaseException as error:  # noqa: BLE001 - whatever it raises is its verdict
        answer = _failed(error)
    else:
        answer = {"ended": "disabled" if is_off else "success"}
        if value is not None:
            answer["result"] = clean(describe_value(value))
    channels.flush_output()
    return answer


def _is_disabled(function: Callable[[], Any]) -> bool:
    spec = spec_of(function)
    return spec is not None and not spec.enabled


def _call(function: Callable[[], Any]) -> Any:
    value = function()
    if not isinstance(value, CoroutineType):
        return value
    import asyncio  # for the first who needs it: then it is imported ahead

    return asyncio.run(value)


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
