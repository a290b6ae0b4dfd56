"""Sets an alarm and handlers of its own, and leaves them set."""

import signal
from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    rung = []
    signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    while len(rung) < 3:
        signal.pause()
    return len(rung)
