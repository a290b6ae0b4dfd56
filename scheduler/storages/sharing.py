"""How the workers share what waits in a queue, whatever holds it."""

HURRIED_SECONDS = 0.05  # how long somebody waits who must not wait
LEAST_DIVIDED = 4  # fewer are not divided: they are taken together, or one by one


def share(waiting: int, undivided: int) -> int:
    """Return how many of so many messages one worker takes at once; 0: one by one.

    All of them if at most `undivided` wait, else half: the rest is for others.
    """
    if 2 <= waiting <= undivided:
        return waiting
    return 0 if waiting < LEAST_DIVIDED else waiting // 2
