import threading

from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(minutes=1))
def run():
    pass


for _ in range(3):
    threading.Thread(target=threading.Event().wait).start()
