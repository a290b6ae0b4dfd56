"""What a scrape reads: each ended run counted once, whatever happens to its row."""

import socket
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from scheduler.config import Config
from scheduler.db.ended_runs import PAGE, EndedRuns
from scheduler.db.statements import change, reading, rows, transaction
from scheduler.errors import DatabaseUnavailableError
from scheduler.metrics import render
from scheduler.metrics.collector import ServiceCollector
from scheduler.metrics.server import MetricsServer
from scheduler.testing import SettableClock
from tests.db.rows import delete_old_runs
from tests.db.seeding import NOW, seed_function, seed_process, seed_run, seed_scan_error

pytestmark = pytest.mark.usefixtures("database")


def query(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Read through the test's connection."""
    with reading():
        return rows(sql, params)


def take(ended: EndedRuns) -> list[int]:
    """Return the ids of what has ended since the last call."""
    return sorted(run.id for page in ended.pages() for run in page)


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Return the samples of an exposition by name and label values."""
    families = text_string_to_metric_families(text)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def scrape(collector: ServiceCollector) -> dict[tuple[str, ...], float]:
    """Return the samples that a registry makes of a collector."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return samples(generate_latest(registry).decode())


def end(run_id: int, status: str = "success") -> None:
    """Give a run its verdict."""
    with transaction():
        change(
            "UPDATE run_logs SET status = ?, finished_at = ? WHERE id = ?", [status, NOW, run_id]
        )


def test_each_run_is_told_once_after_it_has_ended() -> None:
    function = seed_function()
    done = seed_run(function)
    running = seed_run(function, "running", NOW + 60)
    queued = seed_run(function, "queued", NOW + 120)
    ended = EndedRuns(query)

    assert take(ended) == [done]
    assert take(ended) == []
    end(queued, "cancelled")
    later = seed_run(function, at=NOW + 180)
    assert take(ended) == [queued, later]
    end(running)
    assert take(ended) == [running]
    assert take(ended) == []


def test_one_may_begin_with_what_ends_from_now_on() -> None:
    function = seed_function()
    seed_run(function)
    running = seed_run(function, "running", NOW + 60)
    ended = EndedRuns(query)

    ended.skip_past()

    assert take(ended) == []
    end(running)
    assert take(ended) == [running]


def test_an_id_that_is_committed_after_a_later_one_is_told_too() -> None:
    function = seed_function()
    first = seed_run(function)
    ended = EndedRuns(query)
    take(ended)
    late, later = first + 1, first + 2
    seed_run(function, at=NOW + 120, id=later, root_id=later)

    assert take(ended) == [later]
    seed_run(function, at=NOW + 60, id=late, root_id=late)
    assert take(ended) == [late]
    assert take(ended) == []


def test_what_a_failed_read_interrupts_is_told_by_the_next() -> None:
    function = seed_function()
    done = [seed_run(function, at=NOW + 60 * number) for number in range(3)]
    left = 2

    def failing(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        nonlocal left
        left -= 1
        if left == 0:
            raise DatabaseUnavailableError("gone")
        return query(sql, params)

    ended = EndedRuns(failing)
    with pytest.raises(DatabaseUnavailableError):
        take(ended)
    assert take(ended) == done


def test_more_than_a_page_is_told_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PAGE > 3
    monkeypatch.setattr("scheduler.db.ended_runs.PAGE", 3)
    function = seed_function()
    seed_run(function, "running", NOW - 60)
    done = [seed_run(function, at=NOW + 60 * number) for number in range(8)]
    ended = EndedRuns(query)

    assert take(ended) == done


def test_another_database_in_its_place_is_counted_from_its_beginning() -> None:
    function = seed_function()
    seed_run(function)
    seed_run(function, at=NOW + 60)
    ended = EndedRuns(query)
    assert len(take(ended)) == 2
    with transaction():
        change("DELETE FROM run_logs")
    fresh = seed_run(function, at=NOW + 120, id=1, root_id=1)

    assert take(ended) == [fresh]


def test_another_database_in_its_place_is_counted_under_its_own_names(database: Config) -> None:
    old = seed_function("a.old")
    for number in range(2):
        seed_run(old, at=NOW + 60 * number)
    collector = ServiceCollector(database, query=query, clock=SettableClock(NOW))
    scrape(collector)
    with transaction():
        change("DELETE FROM run_logs")
        change("DELETE FROM scheduled_functions")
    fresh = seed_function("b.new", id=old)
    seed_run(fresh, "error", id=1, root_id=1)

    found = scrape(collector)

    assert found["scheduler_runs_total", "b.new", "error"] == 1
    assert not any("a.old" in name for name in found)


def test_counters_do_not_fall_when_retention_deletes(database: Config) -> None:
    function = seed_function("reports.send")
    for number in range(5):
        seed_run(function, at=NOW + 60 * number)
    collector = ServiceCollector(database, query=query, clock=SettableClock(NOW))
    before = scrape(collector)
    assert delete_old_runs(NOW + 3600, 10) == 4
    after = scrape(collector)

    for name in (
        ("scheduler_runs_total", "reports.send", "success"),
        ("scheduler_run_duration_seconds_count",),
        ("scheduler_run_lateness_seconds_bucket", "+Inf"),
    ):
        assert before[name] == after[name] == 5


def test_the_state_of_the_service_is_told(database: Config) -> None:
    failing = seed_function("a.failing", consecutive_failures=2, next_run_at=NOW + 60)
    seed_function("a.late", next_run_at=NOW - 10)
    seed_function("a.paused", state="paused", next_run_at=None)
    seed_run(failing, "running")
    seed_run(failing, "queued", NOW - 30, available_at=NOW - 30)
    seed_run(failing, "queued", NOW - 20)
    seed_run(failing, "queued", NOW + 20, available_at=NOW + 20)
    seed_process("ticker")
    seed_process("worker", slots=4)
    seed_process("worker", id="worker-2", state="lost")
    seed_scan_error()
    seed_scan_error("/functions/prints.py", severity="warning")

    found = samples(render(database, query=query, clock=SettableClock(NOW + 3)))

    expected = {
        ("scheduler_database_up",): 1,
        ("scheduler_seconds_since_last_tick",): 3,
        ("scheduler_processes_alive", "ticker"): 1,
        ("scheduler_processes_alive", "worker"): 1,
        ("scheduler_worker_slots",): 4,
        ("scheduler_worker_slots_busy",): 1,
        ("scheduler_queue_runs", "waiting"): 1,
        ("scheduler_queue_runs", "held"): 1,
        ("scheduler_queue_runs", "delayed"): 1,
        ("scheduler_queue_oldest_waiting_seconds",): 33,
        ("scheduler_functions", "active"): 2,
        ("scheduler_functions", "paused"): 1,
        ("scheduler_functions", "gone"): 0,
        ("scheduler_functions_late",): 1,
        ("scheduler_functions_failing",): 1,
        ("scheduler_scan_errors",): 1,
    }
    assert {name: found[name] for name in expected} == expected


def test_without_its_database_a_ticker_still_tells_that_and_when_it_ticked(
    database: Config,
) -> None:
    def unreachable(_sql: str, _params: Sequence[Any]) -> list[tuple[Any, ...]]:
        raise DatabaseUnavailableError("gone")

    collector = ServiceCollector(
        database, query=unreachable, clock=SettableClock(NOW), tick_age_seconds=lambda: 42.0
    )

    found = {name: value for name, value in scrape(collector).items() if len(name) == 1}

    assert found == {("scheduler_database_up",): 0, ("scheduler_seconds_since_last_tick",): 42}


def test_a_port_that_was_taken_is_served_once_it_is_free(database: Config) -> None:
    function = seed_function("a.b")
    seed_run(function)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        config = replace(database, metrics_port=port)
        server = MetricsServer(config, clock=SettableClock(NOW), tick_age_seconds=lambda: 1.0)
        server.step(NOW)
    server.step(NOW)
    try:
        seed_run(function, "error", NOW + 60)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=30) as answer:
            found = samples(answer.read().decode())
    finally:
        server.stop()

    counted = {name: value for name, value in found.items() if name[0] == "scheduler_runs_total"}
    assert counted == {("scheduler_runs_total", "a.b", "error"): 1}, "what ended before is not new"
