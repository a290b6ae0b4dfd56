"""Turns an exception of user code into texts: its type, its message and its own traceback."""

import os
from types import TracebackType
from typing import NamedTuple

from scheduler.runner.chain import summarize
from scheduler.runner.text import (
    MESSAGE_LIMIT,
    TRACEBACK_LIMIT,
    bounded,
    clean,
    with_known_names,
)

_OUR_FOLDER = os.path.dirname(__file__) + os.sep
_STDLIB = os.path.dirname(os.__file__) + os.sep
_LOOP = (f"{_STDLIB}asyncio{os.sep}", f"{_STDLIB}selectors.py")  # where it sleeps
_LAUNCHERS = ("<frozen importlib", _OUR_FOLDER, *_LOOP)


class Failure(NamedTuple):
    """An exception as text: clean, bounded, and without the frames that led to the user's code."""

    error_type: str
    message: str
    traceback: str
    line: int | None  # of the innermost frame in `file`, or of the syntax error


def describe(error: BaseException, *, file: str | None = None) -> Failure:
    """Describe `error`; `file` is the user's file whose line is wanted. Never raises."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else _dotted(kind)
    return Failure(
        error_type=_fit(name, MESSAGE_LIMIT),
        message=_fit(_message(error), MESSAGE_LIMIT),
        traceback=_fit(_traceback(error), TRACEBACK_LIMIT),
        line=_line(error, file),
    )


def _fit(text: str, limit: int) -> str:
    return clean(with_known_names(bounded(text, limit)))


def _dotted(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as fault:  # noqa: BLE001 - a user's __str__ may raise anything
        return f"<its str() raised {type(fault).__name__}>"


def _traceback(error: BaseException) -> str:
    try:
        return "".join(summarize(error, _trim).format())
    except BaseException as fault:  # noqa: BLE001 - formatting calls the user's __str__ and __repr__
        return f"{type(error).__name__}: <its traceback raised {type(fault).__name__}>\n"


def _trim(frames: TracebackType | None) -> TracebackType | None:
    """Drop the leading frames of the scheduler, importlib and asyncio, and our own at the end."""
    while frames is not None and _is_in(frames, _LAUNCHERS):
        frames = frames.tb_next
    last = frames
    while last is not None and last.tb_next is not None:
        if _is_in(last.tb_next, (_OUR_FOLDER,)):
            last.tb_next = None  # the handler that raised RunTerminated
        else:
            last = last.tb_next
    return frames


def _is_in(frame: TracebackType, prefixes: tuple[str, ...]) -> bool:
    return frame.tb_frame.f_code.co_filename.startswith(prefixes)


def _line(error: BaseException, file: str | None) -> int | None:
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    line, frames = None, error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_code.co_filename == file:
            line = frames.tb_lineno
        frames = frames.tb_next
    return line
