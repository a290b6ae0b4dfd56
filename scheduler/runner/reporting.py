"""The report an inspected file's process leaves behind: JSON on a pipe it must not have lost."""

import os
from typing import Any

from scheduler.runner.exits import EXIT_CHANNEL_LOST, EXIT_REPORTED
from scheduler.runner.wire import encode


def write_report(fd: int, channel: os.stat_result, report: dict[str, Any]) -> int:
    """Write the report and return the exit code; `channel` is what `fd` was before user code ran.

    User code may have closed it and opened a file of its own under the same number: that one is
    left alone.
    """
    try:
        found = os.fstat(fd)
        if (found.st_dev, found.st_ino) != (channel.st_dev, channel.st_ino):
            return EXIT_CHANNEL_LOST
        rest = memoryview(encode(report).encode())
        while rest:
            rest = rest[os.write(fd, rest) :]
    except OSError:
        return EXIT_CHANNEL_LOST
    return EXIT_REPORTED
