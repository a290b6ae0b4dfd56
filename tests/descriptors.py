"""What this process holds open, for tests that nothing is left open."""

import os
from contextlib import suppress


def open_descriptors() -> set[tuple[str, str]]:
    """Each open descriptor's number, with what it is open to.

    Compare with `<=`: what earlier tests left to the garbage collector may be closed meanwhile.
    """
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the one that listed the folder
            found.add((number, os.readlink(f"/proc/self/fd/{number}")))
    return found
