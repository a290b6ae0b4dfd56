"""The generator behind `random.random()`: what a run has seeded decides nothing for the next."""

import random
from typing import Any

_generator: Any = random._inst  # what the module's functions share
_seed, _gauss = random.Random.seed, random.Random.gauss  # user code may patch the class


class Chance:
    """Seeds the generator anew after a run that has seeded it; telling costs a comparison.

    `gauss()` draws two numbers and keeps one for its next call, which `seed()` and `setstate()`
    forget: while the one that we have drawn is there, nobody has seeded.
    """

    def __init__(self) -> None:
        self._renew()

    def restore(self) -> None:
        """Seed the generator from the system, unless it is as it was, but for what was drawn."""
        if _generator.gauss_next is not self._kept:
            self._renew()

    def _renew(self) -> None:
        _seed(_generator)
        _gauss(_generator, 0.0, 1.0)
        self._kept = _generator.gauss_next
