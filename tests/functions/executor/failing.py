"""Functions that raise, exit and crash."""

import asyncio
import ctypes
import os
import signal
import sys


def raises():
    print("before the error")
    raise ValueError("bad\0 \ud800 value")


async def raises_later():
    await asyncio.sleep(0)
    raise LookupError("in a coroutine")


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def raises_mute():
    raise Mute


class Unfit(Exception):
    pass


def raises_about_its_class():
    raise Unfit(f"no instance of {Mute}")


def returns_its_class():
    return Mute


def raises_huge():
    raise ValueError("x" * 50_000_000)


def recurses():
    recurses()


def returns_unrepresentable():
    class Thing:
        def __repr__(self):
            raise RuntimeError("no picture")

    return Thing()


def returns_huge():
    return ["x" * 50_000_000] * 3


def exits():
    sys.exit(3)


def exits_quietly():
    sys.exit()


def exits_at_once():
    print("last words", flush=True)
    os._exit(4)


def segfaults():
    print("about to crash")
    ctypes.string_at(0)


def aborts():
    os.abort()


def kills_itself(number):
    os.kill(os.getpid(), number)
    signal.pause()


def bus():
    kills_itself(signal.SIGBUS)


def fpe():
    kills_itself(signal.SIGFPE)


def ill():
    kills_itself(signal.SIGILL)


def sys_():
    kills_itself(signal.SIGSYS)


def alarm():
    signal.alarm(1)
    signal.pause()


def becomes_another():
    os.execv("/bin/sh", ["/bin/sh", "-c", "echo from the shell; exit 5"])
