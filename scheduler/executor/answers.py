"""What executors say on their control channels: JSON lines, which user code may have spoilt."""

import json
from types import NoneType
from typing import Any

from scheduler.runner.text import clean

_KINDS = {"ready", "loaded", "stale", "ended"}
_ENDS = {"success", "error", "terminated", "disabled", "died"}
_LARGEST = 2**63 - 1  # what databases hold
_LARGEST_OF = {"exit_code": 255, "signal": 64}
_OPTIONAL = NoneType, str  # a text, or none
_TYPES: dict[str, tuple[type, ...]] = {
    "ended": (str,),
    "stale": (str,),
    "imports": (list,),
    "replace": _OPTIONAL,
    "source_hash": _OPTIONAL,
    "result": _OPTIONAL,
    "error_type": _OPTIONAL,
    "error_message": _OPTIONAL,
    "traceback": _OPTIONAL,
    "run_id": (NoneType, int),
    "peak_rss_bytes": (NoneType, int),
    "exit_code": (NoneType, int),
    "signal": (NoneType, int),
    "began_at": (NoneType, float, int),
    "ended_at": (NoneType, float, int),
    "cpu_seconds": (NoneType, float),
    "cpu_total_seconds": (float,),
}


def parse(lines: list[bytes]) -> list[dict[str, Any] | None]:
    """Return the messages of an executor, each a line, None in place of anything else."""
    try:
        found = json.loads(b"[%b]" % b",".join(lines))  # at once, which costs half as much
    except (ValueError, RecursionError):  # also of what is no UTF-8
        found = []
    if len(found) != len(lines):
        if len(lines) > 1:
            return [one for line in lines for one in parse([line])]
        spoilt, brace, rest = lines[0].partition(b'{"')  # what was written in front of an answer
        return [None, *(parse([brace + rest]) if spoilt and rest else [])]
    return [message if _is_ours(message) else None for message in found]


def is_verdict(message: dict[str, Any]) -> bool:
    """Tell whether a message says what became of a call."""
    return "ended" in message or "stale" in message


def _is_ours(message: Any) -> bool:
    if not isinstance(message, dict) or _KINDS.isdisjoint(message):
        return False
    for key, kinds in _TYPES.items():
        if key in message and not _is_sound(key, message[key], kinds):
            return False
    return "ended" not in message or _is_whole(message)


def _is_sound(key: str, value: Any, kinds: tuple[type, ...]) -> bool:
    kind = type(value)
    if kind not in kinds:
        return False
    if kind is str:
        return bool(clean(value) == value)
    if kind in (int, float):
        return bool(0 <= value <= _LARGEST_OF.get(key, _LARGEST))  # no NaN either
    return True


def _is_whole(answer: dict[str, Any]) -> bool:
    if answer["ended"] not in _ENDS or "cpu_total_seconds" not in answer:
        return False
    return answer["ended"] != "died" or bool(answer.get("signal")) or "exit_code" in answer
