import os
import subprocess
import sys

from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(minutes=1))
def run():
    pass


print("to stdout")
print("to stderr", file=sys.stderr)
os.write(1, b'{"functions": []}\n' * 1000)
subprocess.run(["echo", "from a child"])
