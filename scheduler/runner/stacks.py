"""Answers SIGUSR2: tells where the threads and coroutines of this process are just now."""

import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Iterator
from itertools import islice
from types import FrameType

from scheduler.runner.awaiting import describe_awaiting

ALL = b"\f"  # begins what is told with the GIL, which is all there is to tell

_FRAMES = 100  # of one thread, as many as faulthandler tells
_LIMIT_BYTES = 32_768  # a pipe takes as much at once

_write = os.write  # user code may patch it


def answer_with_stacks(fd: int) -> None:
    """At each SIGUSR2 write to `fd` where this process is.

    The stack of the thread that got the signal comes at once, even out of C code. All stacks come,
    after `ALL`, as soon as the main thread executes Python: who follows the frames of other threads
    without the GIL, as faulthandler can, crashes if one begins or ends just then.
    """
    signal.signal(signal.SIGUSR2, lambda _number, frame: _tell_all(fd, frame))
    faulthandler.register(signal.SIGUSR2, file=fd, all_threads=False, chain=True)


def _tell_all(fd: int, interrupted: FrameType | None) -> None:
    try:
        told = "".join([*_describe_threads(interrupted), describe_awaiting() or ""])
        _write(fd, ALL + told.encode("utf-8", "backslashreplace")[:_LIMIT_BYTES])
    except Exception:  # noqa: BLE001, S110 - it interrupts a run, which must not suffer from it
        pass


def _describe_threads(interrupted: FrameType | None) -> Iterator[str]:
    yield _describe_stack("Stack", interrupted)
    # threading.enumerate() takes a lock that the code which was interrupted may hold.
    threads = threading._active.copy()  # type: ignore[attr-defined]
    for ident, frame in sys._current_frames().items():
        if ident != threading.get_ident():
            name = threads[ident].name if ident in threads else ident
            yield _describe_stack(f"Thread {name}", frame)


def _describe_stack(head: str, frame: FrameType | None) -> str:
    return f"{head} (most recent call first):\n{''.join(islice(_describe_frames(frame), _FRAMES))}"


def _describe_frames(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        code = frame.f_code
        yield f'  File "{code.co_filename}", line {frame.f_lineno} in {code.co_name}\n'
        frame = frame.f_back
