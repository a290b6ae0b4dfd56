import json
import os
import sys

from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(minutes=1))
def run():
    pass


os.chdir("/")
json.dumps = None
sys.modules.clear()
