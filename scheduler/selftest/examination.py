"""Reads the record of a trial when it is over and has it checked against what its code demands."""

from dataclasses import dataclass
from pathlib import Path

from scheduler.config import Config
from scheduler.db.connection import close_database
from scheduler.db.ledger import LedgerFunction, LedgerRow, count_unsettled, fetch_ledger
from scheduler.db.schema import open_existing
from scheduler.selftest.checker import Demand, Violation, check
from scheduler.selftest.journal import read_journal
from scheduler.triggers import build_trigger, first_from

# How the functions of the course end when nobody disturbs them; all others with success.
ENDS = {
    "always_fails": frozenset({"error"}),
    "never_ends": frozenset({"timeout"}),
    "replaces_itself": frozenset({"success", "cancelled"}),
}
SUCCESS = frozenset({"success"})


@dataclass(frozen=True, slots=True)
class Examination:
    """What was demanded, what the rows say, and where they disagree."""

    demands: list[Demand]
    rows: list[LedgerRow]
    violations: list[Violation]


def is_settled(config: Config, until_at: float) -> bool:
    """Tell whether every slot up to an instant has its verdict; raises SchedulerError."""
    open_existing(config, read_only=True)
    try:
        return count_unsettled(until_at) == 0
    finally:
        close_database()


def read_ledger(config: Config) -> tuple[list[LedgerFunction], list[LedgerRow]]:
    """Return all functions and attempts; raises SchedulerError while there is no database."""
    open_existing(config, read_only=True)
    try:
        return fetch_ledger()
    finally:
        close_database()


def examine(
    config: Config, *, start_at: float, until_at: float, is_disturbed: bool, journal: Path
) -> Examination:
    """Check the record of functions whose interval grids begin at `start_at`."""
    functions, rows = read_ledger(config)
    demands = [
        _demand(function, start_at=start_at, until_at=until_at, is_disturbed=is_disturbed)
        for function in functions
    ]
    return Examination(demands, rows, check(demands, rows, read_journal(journal)))


def _demand(
    function: LedgerFunction, *, start_at: float, until_at: float, is_disturbed: bool
) -> Demand:
    """Return what the code demands; the row says when it was discovered, and what was deleted."""
    trigger = build_trigger(
        interval_seconds=function.interval_seconds,
        anchor_at=None if function.cron else start_at,
        cron=function.cron,
        timezone=function.timezone,
    )
    pruned_until_at = function.pruned_until_at
    if pruned_until_at is None:
        first_at = first_from(trigger, function.first_seen_at)
    else:
        first_at = trigger.next_after(pruned_until_at)
    assert first_at is not None, "these grids do not end"
    return Demand(
        name=function.name,
        trigger=trigger,
        first_at=first_at,
        until_at=until_at,
        retries=function.retries,
        overlap=function.overlap,
        ends=ENDS.get(function.name.rpartition(".")[2], SUCCESS),
        is_disturbed=is_disturbed,
    )
