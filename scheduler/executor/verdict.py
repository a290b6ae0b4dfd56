"""The verdict on a run: who asked for its end decides, then what it answered, then how it died."""

import signal
from typing import Any, NamedTuple

from scheduler.executor.call import Outcome
from scheduler.executor.child import Exit
from scheduler.executor.control import Asked
from scheduler.runner.exits import (
    CAUSE_LEASE,
    EXIT_DETACHED,
    EXIT_TERMINATED_IDLE,
    EXIT_UNFORKED,
)
from scheduler.wording import signal_name

_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM}
_DISABLED = "not called: its file has it disabled now (enabled=False)"
_OUT_OF_MEMORY = "somebody killed it or the machine ran out of memory"


class Ending(NamedTuple):
    """The facts about the end of a run; `stack` is where it was when its end was asked for."""

    asked: Asked | None = None
    answer: dict[str, Any] | None = None
    exit: Exit | None = None
    stack: str | None = None
    output: str | None = None
    output_bytes: int = 0
    cpu_before_seconds: float = 0.0


def decide(ending: Ending) -> Outcome:
    """Return the outcome of a run that has ended."""
    facts = _measured(ending)
    facts["output"], facts["output_bytes"] = ending.output, ending.output_bytes
    if ending.asked is not None:
        facts.update(_asked_for(ending, ending.asked))
    elif ending.answer is not None:
        facts.update(_answered(ending.answer))
    else:
        facts.update(_died(ending.exit or Exit()))
    return Outcome(**facts)


def _measured(ending: Ending) -> dict[str, Any]:
    if ending.answer is not None:
        wanted = ("source_hash", "peak_rss_bytes", "cpu_seconds", "began_at", "ended_at")
        return {name: ending.answer.get(name) for name in wanted}
    if ending.exit is None or ending.exit.cpu_total_seconds is None:
        return {}
    spent = max(0.0, ending.exit.cpu_total_seconds - ending.cpu_before_seconds)
    return {"peak_rss_bytes": ending.exit.peak_rss_bytes, "cpu_seconds": spent}


def _asked_for(ending: Ending, asked: Asked) -> dict[str, Any]:
    told = _error(ending.answer) if ending.answer else {}
    if ending.answer and ending.answer["ended"] == "terminated":
        told = {"traceback": told.get("traceback")}  # RunTerminated itself was our doing
    if not told.get("traceback"):
        told["traceback"] = ending.stack
    reason = asked.reason
    if ending.answer is None:
        had_begun = ending.exit is None or ending.exit.exit_code != EXIT_TERMINATED_IDLE
        how = "it did not end by itself and was killed" if had_begun else "it had not begun"
        reason = "; ".join(filter(None, (reason, how)))
    return {**told, "status": asked.status, "reason": reason}


def _answered(answer: dict[str, Any]) -> dict[str, Any]:
    replaced = answer.get("replace")
    reason = f"executor replaced: {replaced}" if replaced else None
    if answer["ended"] == "success":
        return {"status": "success", "result": answer.get("result"), "reason": reason}
    if answer["ended"] == "disabled":
        return {"status": "cancelled", "reason": "; ".join(filter(None, (_DISABLED, reason)))}
    if answer["ended"] == "died":
        return _died(Exit(exit_code=answer.get("exit_code"), signal=answer.get("signal")))
    if answer["ended"] == "terminated":
        reason = "terminated by signal 15 (SIGTERM) from outside"
        return {"status": "lost", "traceback": answer.get("traceback"), "reason": reason}
    return {**_error(answer), "status": "error", "reason": reason}


def _error(answer: dict[str, Any]) -> dict[str, Any]:
    wanted = ("error_type", "error_message", "traceback", "exit_code")
    return {name: answer[name] for name in wanted if name in answer}


def _died(end: Exit) -> dict[str, Any]:
    if end.signal is not None:
        return _died_of_signal(end.signal, end.cause)
    if end.exit_code is None:
        return {"status": "lost", "reason": "the zygote that had forked its process was killed"}
    if end.exit_code == EXIT_TERMINATED_IDLE:
        return {"status": "lost", "reason": "terminated by signal 15 (SIGTERM) before it began"}
    if end.exit_code == EXIT_UNFORKED:
        return {"status": "lost", "reason": "no process could be forked for it"}
    if end.exit_code == EXIT_DETACHED:
        message = "the function closed the scheduler's control channel; how it ended is unknown"
        return {"status": "error", "error_type": "ControlChannelLost", "error_message": message}
    return {
        "status": "error",
        "error_type": "ProcessEnded",
        "error_message": f"the process ended itself with exit code {end.exit_code}",
        "exit_code": end.exit_code,
    }


def _died_of_signal(number: int, cause: str | None) -> dict[str, Any]:
    name = f"signal {number} ({signal_name(number)})"
    if cause is not None:
        why = "the worker's lease ran out" if cause == CAUSE_LEASE else "the worker ended"
        return {"status": "lost", "signal": number, "reason": f"{why}: killed by {name}"}
    if number in _FROM_OUTSIDE:
        tail = f": {_OUT_OF_MEMORY}" if number == signal.SIGKILL else " from outside"
        return {"status": "lost", "signal": number, "reason": f"killed by {name}{tail}"}
    return {
        "status": "error",
        "error_type": "ProcessCrashed",
        "error_message": f"the process died of {name}",
        "signal": number,
    }
