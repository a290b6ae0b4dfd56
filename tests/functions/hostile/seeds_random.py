"""Makes whatever is drawn after it in this process the same each time."""

import random
from datetime import timedelta

from scheduler import schedule

HOURLY = timedelta(hours=1)


@schedule(HOURLY)
def run():
    random.seed(1)
