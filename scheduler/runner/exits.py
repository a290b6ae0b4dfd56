"""How the processes that we fork tell of their end: exit codes, and why a zygote killed one.

User code may end its process with any of them; its run is then told as ours would be.
"""

EXIT_REPORTED = 0
EXIT_BROKEN = 70  # a fault of our own, its traceback on stderr
EXIT_CHANNEL_LOST = 71  # an inspected file closed what its report should go to
EXIT_DETACHED = 113  # the user's code closed the channel: nobody can be told how it ended
EXIT_TERMINATED_IDLE = 114  # told to end before a run had begun
EXIT_UNFORKED = 115  # no process could be forked, or none stayed alive until a call came
EXIT_LEFT_CHILDREN = 116  # after the answer, which tells of those that were there before
EXIT_TIDY = 117  # of an isolated run: user code that ends its process by itself takes 0

CAUSE_LEASE = "lease"
CAUSE_STOP = "stop"
