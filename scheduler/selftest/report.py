"""What a selftest found: a line for each function, the violations, the blows that were dealt."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.db.ledger import LedgerRow
from scheduler.selftest.checker import Demand, Violation, latenesses


@dataclass(frozen=True, slots=True)
class Line:
    """One function: slots demanded, attempts by status, and how late its runs began (seconds).

    retries: how many of the attempts repeat another one.
    """

    name: str
    slots: int
    attempts: int
    retries: int
    by_status: dict[str, int]
    median_lateness_seconds: float | None
    worst_lateness_seconds: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a trial; the JSON of `scheduler selftest`. `dealt`: blows by their kind."""

    seed: int
    seconds: float
    lines: tuple[Line, ...]
    violations: tuple[Violation, ...]
    dealt: dict[str, int]
    restarts: int
    folder: str

    @property
    def is_clean(self) -> bool:
        """Whether all promises were kept."""
        return not self.violations


def lines(demands: Sequence[Demand], rows: Sequence[LedgerRow]) -> tuple[Line, ...]:
    """Return one line for each demanded function.

    What was enqueued after the end, while the rest settled, is not of the trial.
    """
    return tuple(_line(demand, [row for row in rows if _is_of(row, demand)]) for demand in demands)


def _is_of(row: LedgerRow, demand: Demand) -> bool:
    return row.name == demand.name and row.covers_from <= demand.until_at


def _line(demand: Demand, rows: Sequence[LedgerRow]) -> Line:
    late = latenesses(rows)
    return Line(
        name=demand.name,
        slots=demand.slots,
        attempts=len(rows),
        retries=sum(row.attempt > 1 for row in rows),
        by_status=dict(sorted(Counter(row.status for row in rows).items())),
        median_lateness_seconds=late[len(late) // 2] if late else None,
        worst_lateness_seconds=late[-1] if late else None,
    )
