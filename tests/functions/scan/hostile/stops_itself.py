import os
import signal

while True:  # each time it is continued
    os.kill(os.getpid(), signal.SIGSTOP)
