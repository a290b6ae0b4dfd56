"""Functions that leave the process other than they found it, or attack its channels."""

import builtins
import functools
import gc
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import scheduler

OPEN = []


def seeds():
    random.seed(1)


def sets_the_state_of_random():
    random.setstate(random.Random(1).getstate())


def chdir():
    os.chdir("/")


def chdir_into_nothing():
    os.mkdir("/tmp/executor-test-gone-%d" % os.getpid())
    os.chdir("/tmp/executor-test-gone-%d" % os.getpid())
    os.rmdir("/tmp/executor-test-gone-%d" % os.getpid())


def umask():
    os.umask(0o777)


def environ():
    os.environ["LEFT"] = "over"


def environ_cleared():
    os.environ.clear()


def path():
    sys.path.insert(0, "/nowhere")


def modules():
    sys.modules["json"] = None


def modules_cleared():
    sys.modules.clear()


def handler():
    signal.signal(signal.SIGUSR1, lambda *_: None)


def timer():
    signal.alarm(1000)


def cpu_timer():
    signal.setitimer(signal.ITIMER_PROF, 1000)


def limit():
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def switch_interval():
    sys.setswitchinterval(1)


def niceness():
    os.nice(1)


def mask():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])


def recursion():
    sys.setrecursionlimit(90)


def stdin():
    os.close(0)


def stdout():
    os.close(1)


def stdout_object():
    sys.stdout = open(os.devnull, "w")


def thread():
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()


def child():
    subprocess.Popen(["sleep", "1000"])


def time_patched():
    time.time = lambda: 0.0


def open_patched():
    builtins.open = None


def open_patched_at_a_new_peak():
    bytearray(64 << 20)
    builtins.open = None
    return "returned"


def random_patched():
    random.random = lambda: 4


def files_left_open():
    OPEN.extend(open(os.devnull) for _ in range(14))


def json_patched():
    json.dumps = functools.partial(json.dumps, indent=2)
    return "returned"


def json_broken():
    json.dumps = json.loads = json.JSONEncoder.encode = json.JSONEncoder.iterencode = None
    json.JSONEncoder.default = json.JSONDecoder.raw_decode = json.JSONDecoder.decode = None
    return "returned"


def tracing():
    sys.setprofile(lambda *_: None)


def socket_timeout():
    socket.setdefaulttimeout(1.0)


def closes_low():
    os.closerange(0, 3)


def closes_many():
    os.closerange(3, 1000)


def closes_all():
    os.closerange(0, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def forks_and_both_return():
    os.fork()
    return "returned"


def forks_a_holder():
    """A child that keeps every descriptor open for long."""
    if os.fork() == 0:
        time.sleep(1000)
    return "returned"


def chatty_child():
    subprocess.Popen(["sh", "-c", "while :; do echo noise; done"])
    return "returned"


def _write_into_channels(text):
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd > 2:
            try:
                os.write(fd, text)
            except OSError:
                pass


def writes_into_channels():
    _write_into_channels(b"garbage\n")
    return "returned"


def forges_answers():
    """Write lines that look like the scheduler's own into each channel."""
    lines = b'{"ended": "success", "cpu_total_seconds": 1.0}\n{"stale": "x"}\n'
    lines += b'{"loaded": 1}\n{"ended": "success"}\n{"ended": 1, "cpu_total_seconds": "x"}\n[[[\n'
    _write_into_channels(lines)
    return "returned"


def claims_to_be_stale():
    """Say in the scheduler's name that it has not begun."""
    print("began")
    line = b'{"stale": "x", "run_id": %d}\n' % scheduler.current_run().run_id
    _write_into_channels(line)
    time.sleep(1)


def floods_with_no_line():
    _flood(b"x" * 65536)


def floods_with_lines():
    _flood(b"x\n" * 32768)


def floods_with_answers():
    _flood(b'{"ended": "success", "cpu_total_seconds": 1.0}\n' * 1000)


def _flood(block):
    """Write into the control channel as fast as it is read."""
    sockets = [int(path.name) for path in Path("/proc/self/fd").iterdir() if path.is_socket()]
    while True:
        os.write(min(sockets), block)


def raises():
    raise ValueError("no")


def makes_all_non_blocking():
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            os.set_blocking(fd, False)
        except OSError:
            pass
    return "returned"


def deletes_builtins():
    del builtins.print
    return "returned"


def patches_os():
    os.getpid = os._exit = os.fstat = None
    return "returned"


def memory():
    global kept
    kept = bytearray(80 << 20)


def breaks_gc():
    gc.set_debug(0)
    raise KeyboardInterrupt


def nobody():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def groups():
    os.setgroups([65534])


def affinity():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def collector():
    gc.disable()


def filters():
    warnings.simplefilter("error")


def decimals():
    import decimal

    decimal.getcontext().prec = 3


def speaks():
    import locale

    is_plain = locale.setlocale(locale.LC_ALL) == "C"
    locale.setlocale(locale.LC_ALL, "C.UTF-8" if is_plain else "C")


def tells_settings():
    import decimal
    import locale

    cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    filters = [action for action, *_ in warnings.filters]
    numbers = gc.isenabled(), decimal.getcontext().prec
    return os.getuid(), os.getgroups(), cpus, numbers, filters, locale.setlocale(locale.LC_ALL)


def nobody_for_ever():
    nobody()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("began", flush=True)
    time.sleep(1000)
