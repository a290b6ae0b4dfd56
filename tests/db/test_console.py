"""The console's reads: windows of runs, indexed figures, and every way a database can fail."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from scheduler.config import Config
from scheduler.db.connection import close_database
from scheduler.db.console import PAGE_ROWS, ConsoleDatabase
from scheduler.db.console_connection import (
    ConsoleError,
    LockedError,
    MissingError,
    SchemaError,
    explained,
)
from scheduler.db.console_rows import RunRow
from scheduler.db.console_stats import FunctionStats, Spread
from scheduler.db.schema import init_schema
from tests.tui.seed import Seed, fill, make_config, make_database, writing

NOW = 1_800_000_000.0
SEED = Seed(now=NOW, functions=40, runs=1000)
AWAY = 'connection failed: connection to server at "127.0.0.1", port 5432 failed: '


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Return a filled SQLite database that no test writes to."""
    config = make_config(tmp_path_factory.mktemp("console"))
    make_database(config, SEED)
    return config


@pytest.fixture
def reader(seeded: Config) -> Iterator[ConsoleDatabase]:
    """Read the filled database."""
    reader = ConsoleDatabase(seeded)
    yield reader
    reader.close()


@pytest.fixture
def own(tmp_path: Path) -> Config:
    """Return a small database of one test."""
    config = make_config(tmp_path)
    make_database(config, Seed(now=NOW, functions=12, runs=60))
    return config


@pytest.fixture
def own_reader(own: Config) -> Iterator[ConsoleDatabase]:
    """Read a test's own database."""
    reader = ConsoleDatabase(own)
    yield reader
    reader.close()


def test_the_overview_holds_all_functions_open_runs_and_processes(reader: ConsoleDatabase) -> None:
    overview = reader.overview(NOW)
    assert len(overview.functions) == 40
    assert [run.status for run in overview.running] == ["running", "running"]
    assert sum(queued.count for queued in overview.queued.values()) == 1
    assert [process.role for process in overview.processes] == ["ticker"] + ["worker"] * 4
    assert [error.path for error in overview.scan_errors] == ["ml/train.py", "old/report.py"]
    assert overview.last_scan is not None
    assert overview.last_scan.finished_at == NOW - 12


def test_the_figures_of_24_hours_are_those_of_the_rows(
    reader: ConsoleDatabase, seeded: Config
) -> None:
    counts = reader.overview(NOW).counts
    assert counts is not None
    with writing(seeded) as connection:
        runs, failed = connection.execute(
            "SELECT count(*) FILTER (WHERE started_at >= ?), count(*) FILTER (WHERE finished_at >="
            " ? AND status IN ('error', 'timeout', 'lost')) FROM run_logs",
            [NOW - 86400, NOW - 86400],
        ).fetchone()
    assert (counts.runs_24h, counts.failed_24h) == (runs, failed)
    assert sum(counts.hourly) == runs
    assert len(counts.hourly) == 24


def test_new_runs_are_counted_before_the_hourly_figures_are_read_again(
    own: Config, own_reader: ConsoleDatabase
) -> None:
    before = own_reader.overview(NOW).counts
    with writing(own) as connection:
        connection.execute("UPDATE run_logs SET started_at = ? WHERE status = 'queued'", [NOW + 1])
    after = own_reader.overview(NOW + 2).counts
    assert before is not None
    assert after is not None
    assert after.runs_24h == before.runs_24h + 1


@pytest.mark.parametrize("step", [40, 299, 301, 3000, 90_000])
def test_the_hours_that_were_counted_before_are_as_counted_anew(own: Config, step: int) -> None:
    reader = ConsoleDatabase(own)
    for look in range(6):
        now = NOW - 7000 + step * look
        with writing(own) as connection:
            connection.execute(
                "UPDATE run_logs SET started_at = ? WHERE id = ?", [now - 9, 1 + look]
            )
        fresh = ConsoleDatabase(own)
        mine, theirs = reader.overview(now).counts, fresh.overview(now).counts
        assert mine == theirs
        fresh.close()
    reader.close()


def test_a_slot_that_was_made_up_for_has_waited_only_since_it_was_queued(own: Config) -> None:
    with writing(own) as connection:
        connection.execute(
            "UPDATE run_logs SET available_at = ?, queued_at = ? WHERE status = 'queued'",
            [NOW - 45, NOW - 3],
        )
    reader = ConsoleDatabase(own)
    (queued,) = reader.overview(NOW).queued.values()
    assert (queued.ready, queued.oldest_ready_at) == (1, NOW - 3)
    reader.close()


def test_what_only_the_time_changes_is_counted_without_reading_the_rest(own: Config) -> None:
    with writing(own) as connection:
        connection.execute(
            "UPDATE run_logs SET available_at = ? WHERE status = 'queued'", [NOW + 9]
        )
    reader = ConsoleDatabase(own)
    quick = reader.overview(NOW, is_quick=True)
    later = reader.recount(quick, NOW + 10)
    assert later.functions is quick.functions
    assert [queued.ready for queued in quick.queued.values()] == [0]
    assert [queued.ready for queued in later.queued.values()] == [1]
    assert later.counts == reader.overview(NOW + 10).counts
    assert later.taken_at == NOW + 10
    reader.close()


def test_functions_that_did_not_change_are_the_same_values_as_before(
    own: Config, own_reader: ConsoleDatabase
) -> None:
    before = {f.id: f for f in own_reader.overview(NOW).functions}
    with writing(own) as connection:
        connection.execute("UPDATE scheduled_functions SET last_status = 'timeout' WHERE id = 3")
        connection.execute("DELETE FROM scheduled_functions WHERE id = 12")
    after = {f.id: f for f in own_reader.overview(NOW).functions}
    assert set(before) - set(after) == {12}
    assert [key for key, row in after.items() if row is not before[key]] == [3]
    assert after[3].last_status == "timeout"


def test_the_functions_are_the_very_same_while_only_others_write(
    own: Config, own_reader: ConsoleDatabase
) -> None:
    before = own_reader.overview(NOW).functions
    with writing(own) as connection:
        connection.execute("UPDATE run_logs SET finished_at = finished_at + 1")
    assert own_reader.overview(NOW).functions is before


def test_what_a_scan_has_changed_is_read_again(own: Config, own_reader: ConsoleDatabase) -> None:
    before = {f.id: f for f in own_reader.overview(NOW).functions}
    with writing(own) as connection:
        connection.execute(
            "UPDATE scheduled_functions SET name = 'a.a', line = 99, last_seen_at = ? WHERE id = 7",
            [NOW],
        )
        connection.execute("UPDATE scheduled_functions SET last_seen_at = ? WHERE id = 8", [NOW])
    after = own_reader.overview(NOW).functions
    assert (after[0].name, after[0].line) == ("a.a", 99)
    assert [f.name for f in after] == sorted(f.name for f in after)
    assert {f.id for f in after if f is not before[f.id]} == {7, 8}


def test_the_details_of_functions_are_read_when_asked_for(reader: ConsoleDatabase) -> None:
    assert reader.details([]) == {}
    details = reader.details([1, 11])
    assert details[1].description == "Archive the user sessions."
    assert (details[1].retries, details[11].paused_at) == (3, NOW - 4000)


def test_a_worker_that_runs_other_files_than_the_scan_saw_is_found(
    own: Config, own_reader: ConsoleDatabase
) -> None:
    with writing(own) as connection:
        connection.execute("UPDATE scheduled_functions SET last_seen_at = ?", [NOW - 600])
        connection.execute("UPDATE run_logs SET source_hash = 'other' WHERE status = 'running'")
    assert own_reader.overview(NOW, is_quick=True).deviations == ()
    found = own_reader.overview(NOW).deviations
    assert [deviation.name for deviation in found] == ["crm.purge_leads", "ops.poll_backups"]
    assert found[0].worker.startswith("worker web-1:41")
    with writing(own) as connection:
        connection.execute("UPDATE run_logs SET source_hash = 'x' WHERE status = 'running'")
    assert own_reader.overview(NOW + 5).deviations == found, "it looks every 30 s only"
    assert own_reader.overview(NOW + 40).deviations == ()


def test_a_history_is_the_last_finished_runs_oldest_first(reader: ConsoleDatabase) -> None:
    histories = reader.histories([1, 6])
    assert set(histories) == {1, 6}
    starts = [mark.started_at or 0.0 for mark in histories[6] if mark.started_at]
    assert starts == sorted(starts)
    assert len(histories[6]) == 16
    assert [mark.status for mark in histories[1]][-5:] == ["error"] * 5


def in_order(config: Config) -> list[int]:
    """Return the ids of all runs as lists show them: the queued ones, then by their time."""
    with writing(config) as connection:
        return [
            run_id
            for (run_id,) in connection.execute(
                "SELECT id FROM run_logs ORDER BY status = 'queued' DESC, CASE status WHEN 'queued'"
                " THEN queued_at ELSE coalesce(started_at, scheduled_for) END DESC, id DESC"
            )
        ]


def scatter(config: Config) -> None:
    """Let some runs start in another order than they were queued in, and have every status."""
    with writing(config) as connection:
        connection.execute(
            "UPDATE run_logs SET started_at = started_at + (id * 7919 % 5000),"
            " finished_at = finished_at + (id * 7919 % 5000) WHERE finished_at IS NOT NULL"
        )
        for status, every in (("skipped", 31), ("missed", 37), ("queued", 41)):
            ended = "NULL" if status == "queued" else "scheduled_for"
            connection.execute(
                f"UPDATE run_logs SET status = '{status}', started_at = NULL, finished_at = {ended}"
                f" WHERE id % {every} = 0"
            )


def test_the_first_window_holds_what_is_queued_and_then_the_newest_starts(
    own: Config, own_reader: ConsoleDatabase
) -> None:
    scatter(own)
    expected = in_order(own)
    assert expected != sorted(expected, reverse=True)

    page = own_reader.run_page()

    assert [run.id for run in page.runs] == expected[:PAGE_ROWS]
    assert (page.oldest_id, page.newest_id) == (expected[-1], expected[0])
    times = [run.shown_at for run in page.runs if run.status != "queued"]
    assert times == sorted(times, reverse=True)


def test_the_last_window_holds_the_oldest_runs_newest_first(
    own: Config, own_reader: ConsoleDatabase
) -> None:
    scatter(own)
    page = own_reader.run_page(is_oldest=True)
    assert [run.id for run in page.runs] == in_order(own)[-PAGE_ROWS:]


def test_windows_around_runs_lead_through_all_of_them_without_a_gap(
    own: Config, own_reader: ConsoleDatabase
) -> None:
    scatter(own)
    expected = in_order(own)
    seen = [run.id for run in own_reader.run_page().runs]
    while seen[-1] != expected[-1]:
        window = [run.id for run in own_reader.run_page(around_id=seen[-1]).runs]
        position = window.index(seen[-1])
        assert window[:position] == seen[-1 - position : -1]
        seen += window[position + 1 :]
    assert seen == expected


def test_a_window_around_a_run_that_was_deleted_is_near_it(
    own: Config, own_reader: ConsoleDatabase
) -> None:
    with writing(own) as connection:
        connection.execute("DELETE FROM run_logs WHERE id = 30")
    assert 29 in [run.id for run in own_reader.run_page(around_id=30).runs]


def test_a_functions_windows_have_the_order_of_the_whole_list(
    own: Config, own_reader: ConsoleDatabase
) -> None:
    scatter(own)
    with writing(own) as connection:
        connection.execute("UPDATE run_logs SET function_id = 1 WHERE function_id > 6")
        mine = {row[0] for row in connection.execute("SELECT id FROM run_logs WHERE function_id=1")}
    expected = [run_id for run_id in in_order(own) if run_id in mine]
    page = own_reader.run_page(function_id=1)
    assert [run.id for run in page.runs] == expected[:PAGE_ROWS]
    assert (page.oldest_id, page.newest_id) == (expected[-1], expected[0])
    around = [run.id for run in own_reader.run_page(function_id=1, around_id=expected[-1]).runs]
    assert around == expected[-1 - PAGE_ROWS // 2 :]


def test_a_functions_window_has_its_runs_only(reader: ConsoleDatabase) -> None:
    page = reader.run_page(function_id=6)
    assert {run.function_id for run in page.runs} == {6}
    assert page.newest_id == page.runs[0].id
    assert page.oldest_id == page.runs[-1].id


def test_a_window_of_failing_runs_has_no_others(reader: ConsoleDatabase) -> None:
    page = reader.run_page(is_failing=True)
    assert {run.status for run in page.runs} <= {"error", "timeout", "lost"}
    assert page.runs


def test_a_run_comes_with_its_texts_and_the_other_attempts(
    own: Config, own_reader: ConsoleDatabase
) -> None:
    with writing(own) as connection:
        connection.execute("UPDATE run_logs SET root_id = 5, attempt = 2 WHERE id = 6")
    details = own_reader.run(6)
    assert details is not None
    assert details.output is not None
    assert [run.id for run in details.attempts] == [5, 6]
    assert own_reader.run(999) is None


def test_statistics_cover_durations_lateness_and_the_last_day(reader: ConsoleDatabase) -> None:
    stats = reader.stats(6, NOW)
    assert stats.durations is not None
    assert stats.lateness is not None
    assert 0 < stats.durations.p50 <= stats.durations.p95 <= stats.durations.top
    assert 0 < sum(stats.lateness_histogram) <= sum(stats.counts.values())


def test_a_run_that_did_not_finish_is_late_but_has_no_duration() -> None:
    row = (NOW, NOW + 0.05, NOW + 0.05, NOW + 2.0, None, "schedule", 1)
    stats = FunctionStats.measured({}, [row], NOW + 3)
    assert stats.durations is None
    assert stats.lateness == Spread(2.0, 2.0, 2.0)
    assert stats.lateness_histogram == (0, 0, 0, 0, 0, 1, 0, 0, 0)


def test_a_retry_and_a_run_by_hand_say_nothing_of_lateness() -> None:
    times = (NOW, NOW + 9, NOW + 9, NOW + 9.1, NOW + 9.2)
    rows = [(*times, "schedule", 2), (*times, "manual", 1)]
    stats = FunctionStats.measured({}, rows, NOW + 30)
    assert stats.lateness is None
    assert stats.durations is not None


@pytest.mark.parametrize(
    ("values", "spread"),
    [([], None), ([3.0], Spread(3, 3, 3)), (list(range(1, 101)), Spread(50, 95, 100))],
)
def test_percentiles_are_nearest_ranks(values: list[float], spread: Spread | None) -> None:
    assert Spread.of(values) == spread


def _run(**changes: Any) -> RunRow:
    fields: dict[str, Any] = {
        "id": 1, "function_id": 1, "status": "success", "trigger": "schedule", "attempt": 1,
        "slots": 1, "scheduled_for": NOW, "covers_from": NOW, "queued_at": NOW + 0.02,
        "available_at": NOW + 0.02, "started_at": NOW + 0.5, "finished_at": NOW + 1.0,
        "claimed_by": "w", "error_type": None, "error_message": None, "reason": None,
        "cancel_requested_at": None,
    }  # fmt: skip
    return RunRow(**{**fields, **changes})


def test_lateness_is_the_tickers_part_and_the_queues_part() -> None:
    run = _run()
    assert run.ticker_lateness_seconds == pytest.approx(0.02)
    assert run.queue_wait_seconds == pytest.approx(0.48)


def test_the_delay_before_a_retry_is_nobodys_lateness() -> None:
    retry = _run(attempt=2, available_at=NOW + 10, started_at=NOW + 10.1)
    assert retry.ticker_lateness_seconds is None
    assert retry.queue_wait_seconds == pytest.approx(0.1)


def test_clocks_that_disagree_give_no_negative_durations() -> None:
    run = _run(queued_at=NOW - 3, started_at=NOW - 5, finished_at=NOW - 9)
    assert run.ticker_lateness_seconds == run.queue_wait_seconds == run.duration_seconds == 0.0


def test_the_reader_sees_whether_somebody_else_committed(
    own: Config, own_reader: ConsoleDatabase
) -> None:
    assert own_reader.has_changed()
    assert not own_reader.has_changed()
    with writing(own) as connection:
        connection.execute("UPDATE run_logs SET reason = 'x' WHERE id = 1")
    assert own_reader.has_changed()
    assert not own_reader.has_changed()


_SHORT_WALKS = ("run_logs_queued", "run_logs_running", "run_logs_unstarted", "run_logs_failed")


def test_no_read_of_the_overview_walks_over_all_runs(seeded: Config) -> None:
    statements: list[str] = []
    connection = sqlite3.connect(seeded.db_path)
    reader = ConsoleDatabase(seeded)
    reader.overview(NOW)
    raw = reader._connection._connection
    raw.set_trace_callback(statements.append)
    reader._hourly = None
    reader.overview(NOW)
    reader.histories([1])
    reader.run_page()
    reader.run_page(function_id=1, around_id=500)
    reader.run_page(is_failing=True)
    reader.run_page(function_id=1, is_failing=True, is_oldest=True)
    reader.run(5)
    reader.stats(1, NOW)
    raw.set_trace_callback(None)
    reader.close()
    selects = [sql for sql in statements if "run_logs" in sql]
    assert len(selects) > 10
    for sql in selects:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
        walks = [step for step in plan if step.startswith("SCAN run_logs")]
        # Fine are indexes that hold open runs only, and those a page's order comes out of.
        walks = [step for step in walks if not step.endswith(_SHORT_WALKS)]
        assert not walks, (sql, plan)
        # Only what was put together is sorted, no part of it, but for the runs of one function.
        is_whole_list = "is_queued" in sql and "function_id = 1" not in sql
        assert not is_whole_list or sum("USE TEMP B-TREE" in step for step in plan) <= 1, plan
    connection.close()


def test_the_reader_cannot_write(own_reader: ConsoleDatabase) -> None:
    own_reader.overview(NOW)
    with pytest.raises(ConsoleError, match="readonly"):
        own_reader._rows("DELETE FROM run_logs")


def test_a_missing_file_is_missing_and_is_not_made(tmp_path: Path) -> None:
    reader = ConsoleDatabase(make_config(tmp_path))
    with pytest.raises(MissingError):
        reader.overview(NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_appears_is_read(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    reader = ConsoleDatabase(config)
    with pytest.raises(MissingError):
        reader.overview(NOW)
    make_database(config, Seed(now=NOW, functions=3, runs=3))
    assert len(reader.overview(NOW).functions) == 3
    reader.close()


def test_a_replaced_file_is_opened_anew(own: Config, own_reader: ConsoleDatabase) -> None:
    assert len(own_reader.overview(NOW).functions) == 12
    for path in own.db_path.parent.glob("scheduler.db*"):
        path.unlink()
    make_database(own, Seed(now=NOW, functions=5, runs=5))
    assert len(own_reader.overview(NOW).functions) == 5


def test_a_locked_database_is_locked_and_not_waited_for(
    own: Config, own_reader: ConsoleDatabase
) -> None:
    own_reader.overview(NOW)
    own_reader.close()
    other = sqlite3.connect(own.db_path, isolation_level=None)
    other.execute("PRAGMA journal_mode = delete")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LockedError):
        own_reader.overview(NOW)
    other.execute("COMMIT")
    assert len(own_reader.overview(NOW).functions) == 12
    other.close()


def test_a_file_that_is_no_database_is_unreadable(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    config.db_path.write_bytes(b"this is not a database" * 100)
    reader = ConsoleDatabase(config)
    with pytest.raises(ConsoleError, match="not a database"):
        reader.overview(NOW)


def test_a_database_without_a_schema_says_what_makes_it(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    sqlite3.connect(config.db_path).close()
    reader = ConsoleDatabase(config)
    with pytest.raises(SchemaError, match="scheduler run"):
        reader.overview(NOW)


def test_a_newer_schema_asks_for_an_upgrade(own: Config, own_reader: ConsoleDatabase) -> None:
    with writing(own) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(schema_migration)")]
        values = {name: 99 if name == "id" else "9999_future" for name in columns}
        marks = ", ".join("?" * len(columns))
        connection.execute(f"INSERT INTO schema_migration VALUES ({marks})", [*values.values()])
    with pytest.raises(SchemaError, match="newer schema - upgrade"):
        own_reader.overview(NOW)


def test_postgresql_is_read_like_sqlite(
    tmp_path: Path, postgres_url: str, reader: ConsoleDatabase
) -> None:
    import psycopg

    config = make_config(tmp_path, database_url=postgres_url)
    init_schema(config)
    close_database()
    with psycopg.connect(postgres_url) as connection:
        fill(connection, SEED)
    other = ConsoleDatabase(config)
    assert other.has_changed()
    mine, theirs = reader.overview(NOW), other.overview(NOW)
    assert sorted(f.name for f in theirs.functions) == sorted(f.name for f in mine.functions)
    assert theirs.counts == mine.counts
    assert theirs.queued == mine.queued
    assert other.run_page(around_id=500) == reader.run_page(around_id=500)
    assert other.run_page(is_failing=True) == reader.run_page(is_failing=True)
    assert other.run(5) == reader.run(5)
    assert other.histories([1, 2]) == reader.histories([1, 2])
    assert other.stats(6, NOW) == reader.stats(6, NOW)
    other.close()


@pytest.mark.parametrize(
    ("said", "kind", "text"),
    [
        (f'{AWAY}FATAL:  database "jobs" does not exist', MissingError,
         'database "jobs" does not exist'),
        (f"{AWAY}Connection refused\n\tIs it running?", ConsoleError,
         "no connection: Connection refused"),
        ('relation "scans" does not exist\nLINE 1: SELECT', SchemaError,
         'another schema than this scheduler\'s: relation "scans" does not exist'),
        ("database is locked", LockedError, "locked"),
        ("disk I/O error", ConsoleError, "disk I/O error"),
    ],
)  # fmt: skip
def test_of_a_driver_s_message_the_cause_is_told(
    said: str, kind: type[ConsoleError], text: str
) -> None:
    error = explained(said)
    assert (type(error), str(error)) == (kind, text)


def test_a_postgresql_server_that_is_away_is_unreadable(tmp_path: Path) -> None:
    url = urlsplit("postgresql://nobody@127.0.0.1:1/none").geturl()
    reader = ConsoleDatabase(make_config(tmp_path, database_url=url))
    with pytest.raises(ConsoleError):
        reader.overview(NOW)
