"""Runs of another source than the scan saw: a host whose files differ from the ticker's."""

from scheduler.db.deviation import Deviation, select_deviations
from scheduler.db.statements import reading, rows


def list_deviations(now: float) -> list[Deviation]:
    """Return the functions that living workers ran from other sources within the last hour."""
    with reading():
        return [Deviation.of(row) for row in rows(*select_deviations(now))]
