"""What the screens ask for and what the poller hands over: one immutable value per look."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from scheduler.db.console_rows import FunctionDetails, Mark, Overview, RunDetails, RunPage
from scheduler.db.console_stats import FunctionStats


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the runs a list needs: around a run, the newest (None) or the oldest."""

    function_id: int | None = None
    around_id: int | None = None
    is_oldest: bool = False
    is_failing: bool = False


@dataclass(frozen=True, slots=True)
class Interest:
    """What is on the screen besides the overview, so that nothing else is read."""

    visible: tuple[int, ...] = ()
    recent: Window | None = None
    function_id: int | None = None
    function_runs: Window | None = None
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one look at the database found. disk_free: a share of 1, None if unknown.

    read_at: when something of it was read last; checked_at: when all of it was last known to be so,
    the overview may be older if nobody wrote since.
    """

    overview: Overview
    read_at: float = 0.0
    checked_at: float | None = None
    interest: Interest = field(default_factory=Interest)
    marks: Mapping[int, tuple[Mark, ...]] = field(default_factory=dict)
    details: Mapping[int, FunctionDetails] = field(default_factory=dict)
    recent: RunPage = field(default_factory=RunPage)
    stats: FunctionStats | None = None
    function_runs: RunPage = field(default_factory=RunPage)
    run: RunDetails | None = None
    disk_free: float | None = None

    def is_news(self, last: "Snapshot") -> bool:
        """Tell whether it says anything that the last one did not, besides being newer."""
        return replace(last, read_at=self.read_at, checked_at=self.checked_at) != self


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the last look failed. kind: missing, locked, schema, unreadable."""

    kind: str
    text: str


EMPTY = Snapshot(Overview(taken_at=0.0))


def held(frozen: Snapshot, latest: Snapshot) -> Snapshot:
    """Return a frozen snapshot with what the user has since turned to, which it lacks."""
    was, now = frozen.interest, latest.interest
    same_function = was.function_id == now.function_id
    return replace(
        frozen,
        interest=now,
        marks={**latest.marks, **frozen.marks},
        details={**latest.details, **frozen.details},
        recent=frozen.recent if was.recent == now.recent else latest.recent,
        stats=frozen.stats if same_function else latest.stats,
        function_runs=(
            frozen.function_runs if was.function_runs == now.function_runs else latest.function_runs
        ),
        run=frozen.run if was.run_id == now.run_id else latest.run,
    )
