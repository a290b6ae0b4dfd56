import subprocess

from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(minutes=1))
def run():
    pass


subprocess.Popen(["sleep", "600"], start_new_session=True)
