"""Compares what the schedules demand, what the rows say, and what the functions wrote themselves.

Pure: it reads no clock, no file and no database. The idea is that of Jepsen's checker for Chronos:
a scheduler is right when every demanded slot is answered once, and nothing else was run.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from scheduler.db.ledger import LedgerRow
from scheduler.selftest.journal import Entry
from scheduler.statuses import FAILED, NOT_RUN
from scheduler.triggers import JUST_BEFORE, Trigger, first_from

_Item = TypeVar("_Item")
_Key = TypeVar("_Key")
OPEN = frozenset({"queued", "running"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a schedule demands: its slots in [first_at, until_at], each run under these rules.

    ends: the statuses a run may get that nobody disturbed; `lost` is allowed beside them only
    where processes were killed (`is_disturbed`).
    """

    name: str
    trigger: Trigger
    first_at: float
    until_at: float
    retries: int = 0
    overlap: str = "skip"
    ends: frozenset[str] = frozenset({"success"})
    is_disturbed: bool = False

    @property
    def slots(self) -> int:
        """How many slots are demanded."""
        return self.trigger.count(self.first_at, self.until_at)


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise. kind: unsatisfied, twice, off grid, chain, undecided, double start,
    verdict, together."""

    kind: str
    name: str
    text: str


def check(
    demands: Sequence[Demand], rows: Sequence[LedgerRow], entries: Sequence[Entry]
) -> list[Violation]:
    """Return every violation, none when all promises were kept.

    Rows are all attempts that schedules made; entries are what the functions wrote while they ran.
    """
    of_function = _grouped(rows, lambda row: row.name)
    of_run = _grouped(entries, lambda entry: entry.run_id)
    found: list[Violation] = []
    for demand in demands:
        mine = of_function.pop(demand.name, [])
        found += _check_slots(demand, mine)
        for chain in _grouped(mine, lambda row: row.root_id).values():
            found += _check_chain(demand, sorted(chain, key=lambda row: row.attempt))
        for row in mine:
            found += _check_entries(demand, row, of_run.pop(row.id, []))
        found += _check_together(demand, mine, entries)
    found += [Violation("off grid", name, "nothing demands its rows") for name in of_function]
    first_at = {demand.name: demand.first_at for demand in demands}
    return found + [
        Violation("double start", some[0].name, f"run {run_id} has no row, yet it was started")
        for run_id, some in of_run.items()
        if some[0].slot >= first_at.get(some[0].name, 0.0)  # older rows were deleted by retention
    ]


def latenesses(rows: Iterable[LedgerRow]) -> list[float]:
    """Return the seconds from slot to start of every first attempt that was started, ascending."""
    return sorted(
        row.started_at - row.scheduled_for
        for row in rows
        if row.started_at is not None and row.attempt == 1
    )


def _check_slots(demand: Demand, rows: Sequence[LedgerRow]) -> Iterator[Violation]:
    """Walk over the grid and the rows side by side: every slot belongs to exactly one row."""
    trigger, expected = demand.trigger, first_from(demand.trigger, demand.first_at)
    for row in sorted((r for r in rows if r.attempt == 1), key=lambda row: row.covers_from):
        what = f"run {row.id} [{row.covers_from:.3f}, {row.scheduled_for:.3f}]"
        slots = trigger.count(row.covers_from, row.scheduled_for)
        is_on_grid = all(
            trigger.latest_until(at) == at for at in (row.covers_from, row.scheduled_for)
        )
        if not is_on_grid or slots != row.slots or expected is None:
            text = f"{what} says {row.slots} slots, the grid has {slots} there"
            yield Violation("off grid", demand.name, text)
        elif row.covers_from < expected:
            yield Violation("twice", demand.name, f"{what} answers slots that have a row already")
        elif row.covers_from > expected:
            yield _unsatisfied(demand, expected, row.covers_from - JUST_BEFORE)
        if expected is not None and row.scheduled_for >= expected:
            expected = trigger.next_after(row.scheduled_for)
    if expected is not None and expected <= demand.until_at:
        yield _unsatisfied(demand, expected, demand.until_at)


def _unsatisfied(demand: Demand, first: float, last: float) -> Violation:
    slots = demand.trigger.count(first, last)
    return Violation("unsatisfied", demand.name, f"{slots} slot(s) from {first:.3f} have no row")


def _check_chain(demand: Demand, chain: Sequence[LedgerRow]) -> Iterator[Violation]:
    """One run: attempts 1..n without a gap, each but the last failed, the last one final."""
    *before, last = chain
    what = f"run {last.root_id}"
    attempts = [row.attempt for row in chain]
    if attempts != list(range(1, len(chain) + 1)) or len(chain) > demand.retries + 1:
        yield Violation("chain", demand.name, f"{what} has the attempts {attempts}")
    if any(row.status not in FAILED for row in before):
        yield Violation("chain", demand.name, f"{what} was tried again without having failed")
    if last.status in FAILED and last.attempt <= demand.retries:
        yield Violation("chain", demand.name, f"{what} ended {last.status} with retries left")
    if last.status in OPEN and last.covers_from <= demand.until_at:
        text = f"{what}, attempt {last.attempt}, is {last.status}"
        yield Violation("undecided", demand.name, text)


def _check_entries(demand: Demand, row: LedgerRow, entries: Sequence[Entry]) -> Iterator[Violation]:
    """One attempt: started at most once, only if its row says so, and its verdict is its end."""
    what = f"run {row.id} ({row.status})"
    starts = [entry for entry in entries if entry.what == "start"]
    ends = {entry.what for entry in entries} & {"success", "error"}
    if len(starts) > 1:
        pids = [entry.pid for entry in starts]
        yield Violation("double start", demand.name, f"{what} was started by pids {pids}")
    if starts and row.started_at is None:
        yield Violation("double start", demand.name, f"{what} was started without the right to")
    may_end = demand.ends | OPEN.union(NOT_RUN) | ({"lost"} if demand.is_disturbed else set())
    if row.status not in may_end:
        yield Violation("verdict", demand.name, f"{what} was expected to end {set(demand.ends)}")
    if row.status in {"success", "error"} and ends != {row.status}:
        told = " and ".join(sorted(ends)) or "nothing"
        yield Violation("verdict", demand.name, f"{what}: the function itself wrote {told}")


def _check_together(
    demand: Demand, rows: Sequence[LedgerRow], entries: Sequence[Entry]
) -> Iterator[Violation]:
    """Old code is dead before new code starts: of a run's next attempt, or of the next run."""
    roots = {row.id: row.root_id for row in rows}
    lives = _grouped((e for e in entries if e.run_id in roots), lambda entry: entry.run_id)
    groups: defaultdict[int, list[tuple[float, float, int]]] = defaultdict(list)
    for run_id, some in lives.items():
        life = (min(e.at for e in some), max(e.at for e in some), run_id)
        groups[roots[run_id] if demand.overlap == "allow" else 0].append(life)
    for group in groups.values():
        group.sort()
        for (_, ended, old), (started, _, new) in pairwise(group):
            if ended > started:
                text = f"run {old} still lived {ended - started:.3f} s after run {new} had begun"
                yield Violation("together", demand.name, text)


def _grouped(items: Iterable[_Item], key: Callable[[_Item], _Key]) -> dict[_Key, list[_Item]]:
    groups: defaultdict[_Key, list[_Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return dict(groups)
