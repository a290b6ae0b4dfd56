"""Counters and histograms of ended runs, and the word where the client library is missing."""

import sys
from pathlib import Path

import pytest

from scheduler.cli import main
from scheduler.db.ended_runs import EndedRun
from scheduler.metrics.totals import Histogram, Totals


def ended(**columns: object) -> EndedRun:
    """Return an attempt that started 2 s after its slot and took 3 s."""
    usual = {
        "id": 1,
        "function_id": 7,
        "status": "success",
        "trigger": "schedule",
        "attempt": 1,
        "scheduled_for": 100.0,
        "started_at": 102.0,
        "finished_at": 105.0,
    }
    return EndedRun(**{**usual, **columns})  # type: ignore[arg-type]


def test_a_bucket_counts_all_values_that_do_not_exceed_its_bound() -> None:
    histogram = Histogram((1, 10))

    for value in (0.5, 1, 5, 10, 11):
        histogram.add(value)

    assert histogram.buckets() == [("1", 2), ("10", 4), ("+Inf", 5)]
    assert histogram.sum == 27.5


def test_a_clock_that_was_set_back_takes_nothing_away_from_a_sum() -> None:
    histogram = Histogram((1, 10))

    histogram.add(-3600)

    assert histogram.buckets() == [("1", 1), ("10", 1), ("+Inf", 1)]
    assert histogram.sum == 0


def test_runs_are_counted_by_function_and_verdict() -> None:
    totals = Totals()

    totals.add([ended(), ended(), ended(status="error"), ended(function_id=8)])

    assert totals.runs == {(7, "success"): 2, (7, "error"): 1, (8, "success"): 1}
    assert totals.durations.sum == 4 * 3


def test_only_the_first_attempt_of_a_slot_is_late() -> None:
    totals = Totals()

    totals.add([ended(), ended(attempt=2), ended(trigger="manual")])

    assert totals.lateness.sum == 2


def test_what_never_started_has_a_verdict_but_no_duration() -> None:
    totals = Totals()

    totals.add([ended(status="missed", started_at=None)])

    assert totals.runs == {(7, "missed"): 1}
    assert totals.durations.buckets()[-1] == ("+Inf", 0)
    assert totals.lateness.buckets()[-1] == ("+Inf", 0)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("metrics", "error: metrics: metrics need prometheus-client; "),
        ("ticker", "error: {file}: metrics_port: the package prometheus-client is not installed; "),
    ],
)
def test_without_the_client_library_one_line_says_what_to_install(
    command: str,
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "functions").mkdir()
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    file = tmp_path / "scheduler.toml"
    file.write_text('scan_paths = ["functions"]\nmetrics_port = 1\n')

    assert main([command, "--config", str(file)], {}) == 2

    told = expected.format(file=file) + "pip install 'slotkeeper[metrics]'\n"
    assert capsys.readouterr().err == told
    assert not (tmp_path / "scheduler.db").exists()
