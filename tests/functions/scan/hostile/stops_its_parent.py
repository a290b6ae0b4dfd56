import os
import signal

from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(minutes=1))
def run():
    pass


os.kill(os.getppid(), signal.SIGSTOP)
