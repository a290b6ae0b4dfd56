"""Opens the scheduler's own database and holds the write lock for 10 s."""

import os
import sqlite3
import time
from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    path = os.path.join(os.path.dirname(__file__), "..", "scheduler.db")
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("BEGIN IMMEDIATE")
    print("locked", flush=True)
    time.sleep(10)
    connection.execute("ROLLBACK")
