import os
import signal
from itertools import count

any(os.kill(os.getpid(), signal.SIGSTOP) for _ in count())  # each time it is continued
