"""Functions that behave."""

import asyncio
import os
import random
import subprocess
import sys
import time

import helper

import scheduler

from .pack.deep import DEEP


def give():
    return {"helper": helper.VALUE, "deep": DEEP}


def nothing():
    pass


def pid():
    return os.getpid()


def whoami():
    run = scheduler.current_run()
    return (run.name, run.run_id, run.attempt, run.trigger, run.deadline_at is not None)


async def later():
    await asyncio.sleep(0)
    return "later"


def talk():
    print("from print")
    sys.stderr.write("from stderr\n")
    os.write(1, b"from the descriptor\n")
    subprocess.run(["echo", "from a child"], check=True)
    print("without an end", end="")


def burn():
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    return len(bytearray(64 << 20))


def environment():
    return sorted(name for name in os.environ if name.startswith("SCHEDULER_"))


def surroundings():
    import fcntl
    import signal

    return {
        "stdin": sys.stdin.read(),
        "mask": list(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "ignored": [s.name for s in signal.Signals if signal.getsignal(s) == signal.SIG_IGN],
        "inheritable": [
            fd for fd in map(int, os.listdir("/proc/self/fd"))
            if fd > 2 and _is_open(fd) and not fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        ],
        "leads_group": os.getpgrp() == os.getpid(),
    }


def _is_open(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def draws():
    return random.random()
