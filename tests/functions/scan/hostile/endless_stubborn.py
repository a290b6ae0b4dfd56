import signal

for number in (signal.SIGTERM, signal.SIGUSR2, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
