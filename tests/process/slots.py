"""The slots of one function as its rows answer for them."""

import pytest

from tests.process.service import Service

SLOTS = """
    SELECT scheduled_for, covers_from, slots, status FROM run_logs r
    JOIN scheduled_functions f ON f.id = r.function_id
    WHERE f.name = ? AND r.attempt = 1 ORDER BY scheduled_for
"""


def gapless(service: Service, name: str, interval: float = 1.0) -> int:
    """Assert that the rows answer for every slot of a function once; return how many slots."""
    found = service.rows(SLOTS, name)
    expected = found[0][1]
    for scheduled_for, covers_from, slots, _ in found:
        assert covers_from == pytest.approx(expected, abs=0.0005), found
        assert scheduled_for == pytest.approx(covers_from + (slots - 1) * interval, abs=0.0005)
        expected = scheduled_for + interval
    return sum(slots for _, _, slots, _ in found)
