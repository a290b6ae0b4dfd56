"""What a plan predicts: overlaps of a function with itself, and how many runs meet."""

from typing import Any

import pytest

from scheduler.cli.forecast import Fire, Forecast, busiest, forecast
from scheduler.db.report_rows import FunctionReport

NOW = 1_800_000_000.0


def function(**columns: Any) -> FunctionReport:
    """Return a function that runs every 60 s from NOW + 60 on."""
    values: dict[str, Any] = {
        "id": 1,
        "name": "a.b",
        "state": "active",
        "scan_path": "/f",
        "module_path": "a.py",
        "qualname": "b",
        "line": 1,
        "description": "",
        "interval_seconds": 60.0,
        "anchor_at": NOW,
        "cron": None,
        "timezone": "UTC",
        "start": None,
        "jitter_seconds": 0.0,
        "catch_up": "latest",
        "grace_seconds": None,
        "overlap": "skip",
        "timeout_seconds": None,
        "retries": 0,
        "priority": 0,
        "isolated": False,
        "enabled": True,
        "next_run_at": NOW + 60,
        "paused_at": None,
        "gone_at": None,
        "back_at": None,
        "schedule_since_at": NOW,
        "pruned_until_at": None,
        "first_seen_at": NOW,
        "last_seen_at": NOW,
        "last_status": None,
        "last_started_at": None,
        "last_duration_seconds": None,
        "consecutive_failures": 0,
        "running": 0,
        "queued": 0,
    }
    return FunctionReport(**(values | columns))


def predict(takes: float | None, minutes: int = 6, **columns: Any) -> Forecast:
    """Forecast one function whose runs take so many seconds."""
    measured = {} if takes is None else {1: takes}
    (found,) = forecast([function(**columns)], measured, now=NOW, until=NOW + 60 * minutes)
    return found


def meets(one: Forecast) -> list[str | None]:
    """Return what becomes of each slot."""
    return [fire.meets for fire in one.fires()]


def test_what_is_not_measured_is_not_predicted_to_overlap() -> None:
    assert meets(predict(None)) == [None] * 6
    assert not predict(None).meets_itself


def test_a_run_that_ends_in_time_meets_nothing() -> None:
    assert meets(predict(60.0)) == [None] * 6


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        ("skip", [None, "skipped", None, "skipped", None, "skipped"]),
        ("allow", [None, *["runs beside it"] * 5]),
        ("replace", [None, *["replaces it"] * 5]),
        ("queue", [None, *["waits"] * 5]),
    ],
)
def test_a_run_longer_than_the_interval_is_played_through_as_the_policy_has_it(
    overlap: str, expected: list[str | None]
) -> None:
    one = predict(90.0, overlap=overlap)

    assert meets(one) == expected
    assert one.meets_itself


def test_a_run_over_many_slots_skips_them_all() -> None:
    assert meets(predict(150.0)) == [None, "skipped", "skipped", None, "skipped", "skipped"]


@pytest.mark.parametrize(
    "columns", [{"state": "paused"}, {"state": "gone"}, {"enabled": False}, {"next_run_at": None}]
)
def test_what_does_not_run_is_not_planned(columns: dict[str, Any]) -> None:
    assert forecast([function(**columns)], {}, now=NOW, until=NOW + 3600) == []


def test_what_is_overdue_is_planned_once() -> None:
    (found,) = forecast([function(next_run_at=NOW - 3600)], {}, now=NOW + 1, until=NOW + 61)

    assert [fire.at for fire in found.fires()] == [NOW, NOW + 60]
    assert found.count == 2


def test_the_busiest_moment_counts_runs_that_go_on() -> None:
    fires = [
        Fire(NOW, "a", 100.0, None),
        Fire(NOW + 10, "b", 5.0, None),
        Fire(NOW + 20, "c", 100.0, None),
        Fire(NOW + 20, "a", 100.0, "skipped"),
        Fire(NOW + 90, "d", None, None),
    ]

    assert busiest(iter(fires)) == (3, NOW + 90)
    assert busiest(iter([])) == (0, 0.0)
