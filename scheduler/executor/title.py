"""The name under which `ps` shows this process, written over the arguments it was started with."""

import ctypes
import sys
from contextlib import suppress

_PR_SET_NAME = 15


def set_title(title: str) -> None:
    """Show `title` instead of the command line, cut to its length; no effect off Linux."""
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, ValueError, IndexError):
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        start, end = int(fields[45]), int(fields[46])  # arg_start and arg_end, see proc(5)
        room = end - start
        shown = title.encode("utf-8", "replace")[: room - 1]
        ctypes.memmove(start, shown.ljust(room, b"\0"), room)
        name = ctypes.create_string_buffer(b"-".join(shown.split()[:2])[:15])
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name, 0, 0, 0)
