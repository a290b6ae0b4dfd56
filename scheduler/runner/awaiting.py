"""Where coroutines wait: what the traceback of an event loop that sleeps does not show."""

import sys
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any

_TASKS = 10


def describe_awaiting() -> str | None:
    """Return the stacks of the first tasks that wait in the running loop, None outside of one.

    Never raises: it is called while a signal is handled, in code that may have patched anything.
    """
    asyncio: Any = sys.modules.get("asyncio")  # not loaded for this: without it no loop runs
    try:
        current = asyncio.current_task()
        tasks = sorted(
            asyncio.all_tasks(), key=lambda task: (len(task.get_name()), task.get_name())
        )
        stacks = [_stack(task.get_coro()) for task in tasks[:_TASKS] if task is not current]
    except Exception:  # noqa: BLE001 - outside of a loop, or broken by user code
        return None
    more = [f"and {len(tasks) - _TASKS} more tasks"] if len(tasks) > _TASKS else []
    return "".join([*stacks, *more]).rstrip("\n") or None


def _stack(coroutine: Any) -> str:
    frames = traceback.StackSummary.extract(_frames(coroutine))
    return f"Awaiting (most recent call last):\n{''.join(frames.format())}" if frames else ""


def _frames(coroutine: Any) -> Iterator[tuple[FrameType, int]]:
    """Yield the frames from a task's coroutine down to what it waits for."""
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        yield frame, frame.f_lineno
        coroutine = coroutine.cr_await
