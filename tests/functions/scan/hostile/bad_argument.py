from scheduler import schedule


@schedule(5)
def run():
    pass
