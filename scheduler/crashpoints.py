"""Named places where a test may kill the process; free when off.

`SCHEDULER_CRASH_POINT=tick.committed` kills this process with SIGKILL the first time it gets there,
`tick.committed:3` the third time. The variable is read once, at import.
"""

import os
import signal

CRASH_POINTS = (
    "tick.before",
    "tick.uncommitted",
    "tick.committed",
    "tick.unsent",
    "tick.sent",
    "supply.dequeued",
    "supply.uncommitted",
    "supply.claimed",
    "slot.dequeued",
    "claim.before",
    "claim.uncommitted",
    "slot.started",
    "batch.sent",
    "batch.ended",
    "slot.ended",
    "finish.before",
    "finish.uncommitted",
    "slot.finished",
    "run.begun",
    "run.returned",
    "isolated.waiting",
    "isolated.taken",
    "isolated.answering",
    "isolated.answered",
    "reap.before",
    "reap.uncommitted",
    "reap.committed",
    "scan.before",
    "scan.uncommitted",
    "scan.committed",
    "migrate.before",
    "migrate.unsettled",
    "migrate.after",
    "retention.before",
    "retention.uncommitted",
    "retention.committed",
    "supervisor.started",
    "supervisor.stopping",
)

_name, _, _count = os.environ.get("SCHEDULER_CRASH_POINT", "").partition(":")
_left = int(_count or 1)

IS_ON = bool(_name)


def _die_here(name: str) -> None:
    global _left
    assert name in CRASH_POINTS, f"{name} is no crash point"
    if name == _name:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _pass(_name: str) -> None:
    pass


crash_point = _die_here if IS_ON else _pass
