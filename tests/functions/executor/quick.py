"""Functions for batches: short ones that note their calls, and those that a batch ends with."""

import os
import signal
import time
from pathlib import Path

import scheduler


def note():
    run = scheduler.current_run()
    with open(os.environ["NOTES"], "a") as file:
        print(run.run_id, file=file)
    return run.run_id


def talk():
    note()
    print("words of", scheduler.current_run().run_id)


def fail():
    note()
    raise ValueError("no")


def litter():
    note()
    os.chdir("/")


def wait_for_release():
    note()
    print("waiting", flush=True)
    while not Path(os.environ["NOTES"] + ".release").exists():
        time.sleep(0.005)
    return "released"


def die():
    note()
    os.kill(os.getpid(), signal.SIGSEGV)


def close_everything():
    note()
    os.closerange(3, 5000)


def close_tally():
    """Close whatever is no socket, no pipe and none of the first three."""
    note()
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        if fd > 2 and os.path.exists(f"/proc/self/fd/{fd}"):
            target = os.readlink(f"/proc/self/fd/{fd}")
            if target.endswith(".lock"):
                os.close(fd)


def fork_both():
    note()
    if os.fork() == 0:
        return "from the child"
    os.wait()
    return "from the parent"


def write_into_channels(text=b"x"):
    """Write a letter, or another text, into each socket that is open."""
    note()
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        if fd > 2 and os.path.exists(f"/proc/self/fd/{fd}"):
            if os.readlink(f"/proc/self/fd/{fd}").startswith("socket:"):
                os.write(fd, text)
    return scheduler.current_run().run_id


def forge_an_answer():
    """Write into each socket what is no answer, but has the run's number."""
    run_id = scheduler.current_run().run_id
    return write_into_channels(b'{"loaded": 1, "run_id": %d}\n' % run_id)
