from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(minutes=5))
def sync():
    """Fetch new orders.

    The second paragraph is not part of the description.
    """


def not_scheduled():
    pass
