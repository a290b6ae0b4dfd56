"""Which of the dead are missing: those in whose place nobody has been started."""

from dataclasses import dataclass

import pytest

from scheduler.maintenance.replacement import unreplaced


@dataclass(frozen=True)
class Process:
    started_at: float
    heartbeat_at: float


@pytest.mark.parametrize(
    ("dead", "living", "missing"),
    [
        ([(0, 10)], [(0, 99)], [(0, 10)]),
        ([(0, 10)], [(11, 99)], []),
        ([(0, 10), (11, 20), (21, 30)], [(31, 99)], []),
        ([(0, 10), (11, 20), (21, 30)], [(0, 99)], [(21, 30)]),
        ([(0, 10), (0, 10)], [(11, 99)], [(0, 10)]),
        ([(0, 10)], [], []),
    ],
)
def test_a_place_passes_on_to_whoever_was_started_next(
    dead: list[tuple[float, float]],
    living: list[tuple[float, float]],
    missing: list[tuple[float, float]],
) -> None:
    found = unreplaced([Process(*one) for one in dead], [Process(*one) for one in living])

    assert [(one.started_at, one.heartbeat_at) for one in found] == missing
