"""Functions that do not end by themselves."""

import asyncio
import ctypes
import os
import signal
import sqlite3
import subprocess
import threading
import time


def sleeps():
    print("sleeping", flush=True)
    time.sleep(1000)


def cleans_up():
    print("working", flush=True)
    try:
        time.sleep(1000)
    finally:
        print("cleaned up")


def fails_to_clean_up():
    try:
        time.sleep(1000)
    finally:
        raise ValueError("nothing to clean up")


async def sleeps_async():
    print("sleeping", flush=True)
    try:
        await asyncio.sleep(1000)
    finally:
        print("cleaned up")


def counts_in_c():
    print("counting", flush=True)
    sum(range(10**10))


def queries():
    print("querying", flush=True)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    sqlite3.connect(":memory:").execute(numbers + "SELECT count(*) FROM n").fetchall()


def shells():
    print("in a shell", flush=True)
    os.system("sleep 1000 & sleep 1000; wait")


def swallows():
    print("swallowing", flush=True)
    while True:
        try:
            while True:
                time.sleep(0.01)
        except BaseException:
            pass


def stops_its_zygote_and_exits():
    os.kill(os.getppid(), signal.SIGSTOP)
    os._exit(3)


def ignores():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    print("ignoring", flush=True)
    while True:
        time.sleep(1)


def handles():
    signal.signal(signal.SIGTERM, lambda *_: print("not now", flush=True))
    print("handling", flush=True)
    while True:
        time.sleep(1)


def blocks():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    print("blocking", flush=True)
    while True:
        time.sleep(1)


def stops_itself():
    print("stopping", flush=True)
    while True:  # each time it is continued
        os.kill(os.getpid(), signal.SIGSTOP)


def waits_for_thread():
    print("joining", flush=True)
    thread = threading.Thread(target=naps, name="napper")
    thread.start()
    thread.join()


def naps():
    time.sleep(1000)


def starts_threads():
    print("starting", flush=True)
    while True:
        thread = threading.Thread(target=str)
        thread.start()
        thread.join()


def reads_in_c():
    print("reading", flush=True)
    byte = ctypes.create_string_buffer(1)
    print("read:", ctypes.CDLL(None).read(os.pipe()[0], byte, 1))


def cleans_up_beside_threads():
    for _ in range(3):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    try:
        print("working", flush=True)
        while True:
            time.sleep(1)
    finally:
        print("cleaned up")


def succeeds_when_told_to_stop():
    print("working", flush=True)
    try:
        time.sleep(1000)
    except BaseException:
        return "done after all"


def waits_for_file():
    """Runs until the file named in the environment of the test exists."""
    print("waiting", flush=True)
    while not os.path.exists(os.environ["TEST_GATE"]):
        time.sleep(0.002)


def prints_forever():
    while True:
        print("x" * 1000)


def prints_much():
    print("the beginning")
    for _ in range(20_000):
        print("x" * 1000)
    print("the end")


def daemonises():
    """Leaves a process behind that is in no group or session of ours, and says its pid."""
    script = "import os, time; os.setsid(); print(os.getpid(), flush=True); time.sleep(1000)"
    child = subprocess.Popen(["python3", "-c", script], start_new_session=True)
    print("daemon", child.pid, flush=True)


def daemonises_and_sleeps():
    daemonises_twice()
    time.sleep(1000)


def daemonises_twice():
    told, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print("daemon", os.getpid(), flush=True)
            os.write(tell, b".")
            while True:
                time.sleep(1)
        os._exit(0)
    os.wait()
    os.read(told, 1)
    os.close(told)
    os.close(tell)


def daemonises_and_crashes():
    daemonises_twice()
    time.sleep(0.2)
    os.abort()
