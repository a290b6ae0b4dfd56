"""A folder without __init__.py; the same function name as in orders.py."""

from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(minutes=1))
def sync():
    pass
