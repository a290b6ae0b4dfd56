"""What a workload is: the numbers it promises to measure, what they must reach, how it is run."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

Numbers: TypeAlias = dict[str, float]
"""What one run measured: the name of each measure with its value; a name may be left out."""

Choice = TypeVar("Choice")

SQLITE = "sqlite"
SERVERS = "postgres-redis"
BACKENDS = (SQLITE, SERVERS)


@dataclass(frozen=True, slots=True)
class Setting:
    """How this invocation measures."""

    is_quick: bool = False
    backend: str = SQLITE
    durability: str = "normal"

    @property
    def is_required(self) -> bool:
        """Whether the bounds speak of this: SQLite, NORMAL, at full size."""
        return not self.is_quick and self.backend == SQLITE and self.durability == "normal"

    def choose(self, full: Choice, quick: Choice) -> Choice:
        """Return the size for this setting: that of the requirement, or one for a smoke test."""
        return quick if self.is_quick else full


@dataclass(frozen=True, slots=True)
class Measure:
    """One number and what it must reach; without bounds it is there to explain the others.

    times_peer: how many times better than the peer's number of the same name it must be.
    is_exact: it counts faults and must hold at every size, on every machine.
    """

    name: str
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    times_peer: float | None = None
    is_more_better: bool = False
    is_exact: bool = False

    def without_bounds(self) -> "Measure":
        """Return the same measure as mere information; a count of faults stays one."""
        if self.is_exact:
            return self
        return replace(self, at_most=None, at_least=None, times_peer=None)

    def is_met(self, value: float) -> bool | None:
        """Tell whether a value reaches the bound; None if there is none."""
        if self.at_most is not None:
            return value <= self.at_most
        return None if self.at_least is None else value >= self.at_least

    def ratio(self, ours: float, peers: float) -> float | None:
        """Return how many times better ours is; None where a zero forbids to say."""
        better, worse = (ours, peers) if self.is_more_better else (peers, ours)
        return better / worse if better > 0 and worse > 0 else None


@dataclass(frozen=True, slots=True)
class Workload:
    """One row of the requirements; `run` and `run_peer` measure once, in folders of their own."""

    name: str
    title: str
    measures: tuple[Measure, ...]
    run: Callable[[Setting], Numbers]
    run_peer: Callable[[Setting], Numbers] | None = None
    backends: tuple[str, ...] = (SQLITE,)

    def without_bounds(self) -> "Workload":
        """Return the same workload for settings of which the bounds do not speak."""
        return replace(self, measures=tuple(map(Measure.without_bounds, self.measures)))
