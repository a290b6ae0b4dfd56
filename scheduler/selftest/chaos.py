"""Kills and pauses processes at random; the same seed chooses the same blows in the same order."""

import random
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from os import kill

# How often, by weight, one of each is killed and paused; a worker is best paused with who would
# kill its executors.
BLOWS = {
    "ticker": (3, 1),
    "worker": (3, 1),
    "zygote": (2, 0),
    "worker with zygote": (0, 2),
    "executor": (4, 1),
}
ALL_SHARE = 0.05
MOST_SECONDS_BETWEEN = 2.0


@dataclass(frozen=True, slots=True)
class Blow:
    """One act of violence. role: whom, or `all`; what: kill or pause; for how many seconds."""

    role: str
    what: str
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """How the report names it."""
        return f"{self.what} {self.role}"


class Chaos:
    """Deals blows to living processes. `find()` returns by role the pids that one blow hits."""

    def __init__(
        self,
        seed: int,
        *,
        longest_pause: float,
        find: Callable[[], Mapping[str, Sequence[tuple[int, ...]]]],
    ) -> None:
        self._random = random.Random(seed)
        self._longest_pause = longest_pause
        self._find = find
        self._paused: list[tuple[float, int]] = []
        self._next_at = 0.0
        self.dealt: dict[str, int] = {}

    def step(self, monotonic: float) -> None:
        """Let those go on whose pause is over; deal the next blow if it is time."""
        over = [pid for until, pid in self._paused if until <= monotonic]
        self._paused = [pause for pause in self._paused if pause[0] > monotonic]
        for pid in over:
            _send(pid, signal.SIGCONT)
        if monotonic >= self._next_at:
            self._deal(self.choose(), monotonic)
            self._next_at = monotonic + self._random.uniform(0.1, MOST_SECONDS_BETWEEN)

    def end(self) -> None:
        """Let everything go on."""
        for _, pid in self._paused:
            _send(pid, signal.SIGCONT)
        self._paused = []

    def choose(self) -> Blow:
        """Draw the next blow."""
        if self._random.random() < ALL_SHARE:
            return Blow("all", "pause", self._random.uniform(0.5, 2.0))
        choices = [
            (Blow(role, what), weight)
            for role, weights in BLOWS.items()
            for what, weight in zip(("kill", "pause"), weights, strict=True)
        ]
        (blow,) = self._random.choices(
            [blow for blow, _ in choices], weights=[weight for _, weight in choices]
        )
        if blow.what == "kill":
            return blow
        return Blow(blow.role, "pause", self._random.uniform(0.2, self._longest_pause))

    def _deal(self, blow: Blow, monotonic: float) -> None:
        draw = self._random.random()  # drawn also when nobody is there: the order stays the same
        found = self._find()
        if blow.role == "all":
            victims = sorted({pid for groups in found.values() for some in groups for pid in some})
        else:
            mine = sorted(found.get(blow.role, ()))
            victims = list(mine[int(draw * len(mine))]) if mine else []
        for pid in victims:
            _send(pid, signal.SIGKILL if blow.what == "kill" else signal.SIGSTOP)
            if blow.what == "pause":
                self._paused.append((monotonic + blow.seconds, pid))
        if victims:
            self.dealt[blow.text] = self.dealt.get(blow.text, 0) + 1


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        kill(pid, number)
