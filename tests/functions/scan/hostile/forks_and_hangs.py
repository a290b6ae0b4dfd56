import os
import signal
from pathlib import Path

from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(minutes=1))
def run():
    pass


pid = os.fork()
if pid == 0:
    os.setsid()
    while True:
        signal.pause()
Path(__file__).with_suffix(".pid").write_text(str(pid))
