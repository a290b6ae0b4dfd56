import time

print("importing", flush=True)
time.sleep(1000)


def work():
    pass
