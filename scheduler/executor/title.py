"""The name under which `ps` shows this process, written over the arguments it was started with."""

import ctypes
import sys
from contextlib import suppress

_PR_SET_NAME = 15
_libc = ctypes.CDLL(None)


def _find_arguments() -> tuple[int, int]:
    """Return the address and the length of the command line; (0, 0) off Linux."""
    if sys.platform.startswith("linux"):
        with suppress(OSError, ValueError, IndexError), open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
            start, end = int(fields[45]), int(fields[46])  # arg_start and arg_end, see proc(5)
            return start, end - start
    return 0, 0


_start, _room = _find_arguments()  # children are forked: the same address


def set_title(title: str) -> None:
    """Show `title` instead of the command line, cut to its length; no effect off Linux."""
    if _start:
        shown = title.encode("utf-8", "replace")[: _room - 1]
        ctypes.memmove(_start, shown.ljust(_room, b"\0"), _room)
        _libc.prctl(_PR_SET_NAME, b"-".join(shown.split()[:2])[:15], 0, 0, 0)
