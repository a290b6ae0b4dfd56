"""The fuse: a timer of the kernel that kills the process that lit it, also while it is stopped."""

import ctypes
import signal
from contextlib import suppress

_SIGEV_SIGNAL = 0
_TIMER_ABSTIME = 1


class _SignalEvent(ctypes.Structure):
    _fields_ = (
        ("value", ctypes.c_void_p),
        ("number", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_char * 64),  # struct sigevent has 64 bytes in all, on every Linux
    )


class _Moment(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Moment), ("value", _Moment))


class Fuse:
    """Not lit at first. Processes that are forked do not inherit it, see timer_create(2).

    `clock_id`: of `time.clock_gettime`, the clock of its instants. Where the system has no such
    timers it `is_missing` and has no effect.
    """

    def __init__(self, clock_id: int) -> None:
        self._libc: ctypes.CDLL | None = None
        self._timer = ctypes.c_void_p()
        event = _SignalEvent(number=signal.SIGKILL, notify=_SIGEV_SIGNAL)
        for library in (None, "librt.so.1"):  # a library of its own before glibc 2.34
            with suppress(OSError, AttributeError):
                libc = ctypes.CDLL(library)
                if libc.timer_create(clock_id, ctypes.byref(event), ctypes.byref(self._timer)) == 0:
                    self._libc = libc
                    return

    @property
    def is_missing(self) -> bool:
        """Whether this system has no such timers."""
        return self._libc is None

    def light(self, at: float) -> None:
        """Have this process killed at an instant instead of any before; at once if it is past."""
        seconds, fraction = divmod(at, 1)
        self._set(_Moment(int(seconds), int(fraction * 1e9)))

    def put_out(self) -> None:
        """Have it live on."""
        self._set(_Moment(0, 0))

    def _set(self, moment: _Moment) -> None:
        if self._libc is not None:
            setting = _Setting(_Moment(0, 0), moment)
            self._libc.timer_settime(self._timer, _TIMER_ABSTIME, ctypes.byref(setting), None)
