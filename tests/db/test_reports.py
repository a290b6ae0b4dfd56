"""What the text commands read, on both kinds of database."""

import pytest

from scheduler.config import Config
from scheduler.db import report_rows, reports
from scheduler.db.finishes import finish
from scheduler.db.runs import insert_run_log
from scheduler.db.scans import record_scan
from scheduler.db.statements import change, transaction
from scheduler.errors import NotFoundError
from scheduler.executor.call import Outcome
from scheduler.runner.inspection import FileError
from tests.db.rows import NOW, discover, run_one, tick
from tests.db.seeding import seed_function, seed_run

pytestmark = pytest.mark.usefixtures("database")


def test_functions_come_by_name_with_what_is_open_of_them() -> None:
    discover("b.second", "a.first")

    functions = reports.list_functions()

    assert [function.name for function in functions] == ["a.first", "b.second"]


def test_a_function_tells_its_running_and_queued_attempts() -> None:
    discover("a.first", overlap="queue")
    run_one(NOW)
    tick(NOW + 60)

    function = reports.find_function("a.first")

    assert (function.running, function.queued) == (1, 1)
    assert function.last_started_at == NOW


def test_flags_are_booleans_whatever_the_database_stores() -> None:
    discover("a.first", isolated=True, enabled=False)

    function = reports.find_function("a.first")

    assert (function.isolated, function.enabled) == (True, False)


def test_an_unknown_function_is_refused_with_the_nearest_name() -> None:
    discover("reports.send")

    with pytest.raises(NotFoundError, match=r"did you mean 'reports\.send'"):
        reports.find_function("report.send")


def test_runs_come_by_the_time_they_are_shown_at_with_what_is_queued_on_top() -> None:
    discover("a.first")
    ids = [_run_to_end(NOW + 60 * n) for n in range(4)]
    with transaction():
        change("UPDATE run_logs SET started_at = ? WHERE id = ?", [NOW + 999, ids[1]])
        change("UPDATE run_logs SET started_at = NULL, status = 'queued' WHERE id = ?", [ids[0]])
        change(
            "UPDATE run_logs SET started_at = NULL, status = 'missed', scheduled_for = ? "
            "WHERE id = ?",
            [NOW + 150, ids[2]],
        )

    found = reports.list_runs()

    assert [run.id for run in found] == [ids[0], ids[1], ids[3], ids[2]]
    assert [run.shown_at for run in found[1:]] == [NOW + 999, NOW + 180, NOW + 150]
    assert [run.id for run in reports.list_runs(failed=True)] == [ids[2]]
    assert reports.list_runs(function_id=99) == []


def test_runs_come_newest_first_and_only_as_many_as_asked() -> None:
    discover("a.first")
    ids = [_run_to_end(NOW + 60 * n) for n in range(3)]

    found = reports.list_runs(limit=2)

    assert [run.id for run in found] == [ids[2], ids[1]]
    assert found[0].name == "a.first"
    assert found[0].duration_seconds == pytest.approx(5)


def test_runs_of_one_function_leave_out_the_others() -> None:
    discover("a.first")
    _run_to_end(NOW)
    discover("b.second", now=NOW + 1)
    run = _run_to_end(NOW + 1)

    found = reports.list_runs(reports.find_function("b.second").id)

    assert [one.id for one in found] == [run]


def test_only_what_failed_or_was_missed_counts_as_failed() -> None:
    discover("a.first")
    _run_to_end(NOW)
    failed = _run_to_end(NOW + 60, Outcome(status="error", error_type="ValueError"))

    assert [run.id for run in reports.list_runs(failed=True)] == [failed]


def test_an_unknown_run_is_refused() -> None:
    with pytest.raises(NotFoundError, match="no run 17"):
        reports.find_run(17)


def test_the_attempts_of_a_run_come_in_their_order() -> None:
    discover("a.first", retries=1)
    first = _run_to_end(NOW, Outcome(status="error"))

    attempts = reports.list_attempts(first)

    assert [attempt.attempt for attempt in attempts] == [1, 2]
    assert [attempt.status for attempt in attempts] == ["error", "queued"]


def test_the_long_texts_of_a_run_are_read_apart() -> None:
    discover("a.first")
    run = _run_to_end(NOW, Outcome(status="success", output="hello\n", output_bytes=6, result="1"))

    texts = reports.read_texts(run)

    assert (texts.output, texts.output_bytes, texts.result) == ("hello\n", 6, "1")


def test_a_row_answers_for_every_instant_of_its_range() -> None:
    discover("a.first")
    run = _run_to_end(NOW + 180)  # three slots were missed, one run answers for all four
    function_id = reports.find_function("a.first").id

    for instant in (NOW, NOW + 60, NOW + 180):
        assert [one.id for one in reports.find_covering(function_id, instant)] == [run]
    assert reports.find_covering(function_id, NOW + 181) == []
    assert reports.find_covering(function_id, NOW - 1) == []


def test_the_last_attempt_answers_first() -> None:
    discover("a.first", retries=1)
    _run_to_end(NOW, Outcome(status="error"))

    found = reports.find_covering(reports.find_function("a.first").id, NOW)

    assert [run.attempt for run in found] == [2, 1]


def test_the_run_that_was_open_at_an_instant_is_found_the_running_one_first() -> None:
    discover("a.first")
    run = _run_to_end(NOW)  # takes five seconds
    function_id = reports.find_function("a.first").id
    waiting, _ = insert_run_log(function_id, NOW + 1, now=NOW + 1)

    going, queued = (reports.find_open_at(function_id, NOW + after) for after in (2, 6))

    assert going is not None
    assert going.id == run
    assert queued is not None
    assert queued.id == waiting
    assert reports.find_open_at(function_id, NOW - 1) is None


def test_ended_runs_are_counted_by_status_since_an_instant() -> None:
    discover("a.first")
    _run_to_end(NOW)
    _run_to_end(NOW + 60)
    _run_to_end(NOW + 120, Outcome(status="timeout"))

    assert reports.count_runs_since(NOW + 30) == {"success": 1, "timeout": 1}


def test_the_queue_is_counted_by_what_each_run_waits_for() -> None:
    discover("a.first", overlap="queue")
    run_one(NOW)  # running
    tick(NOW + 60)  # held by it
    discover("b.second", now=NOW + 61)
    tick(NOW + 61)  # waiting
    discover("c.third", now=NOW + 62, jitter_seconds=3600.0)
    tick(NOW + 62)  # delayed

    queue = reports.read_queue(NOW + 62)

    assert (queue.running, queue.held, queue.waiting, queue.delayed) == (1, 1, 1, 1)
    assert queue.oldest_waiting_at == pytest.approx(NOW + 61)


def test_a_run_has_waited_since_it_was_queued_and_not_since_its_slot() -> None:
    seed_run(seed_function(), "queued", NOW - 45, queued_at=NOW - 3, available_at=NOW - 45)
    assert reports.read_queue(NOW).oldest_waiting_at == NOW - 3

    seed_run(seed_function("a.retry"), "queued", NOW - 9, attempt=2, available_at=NOW - 5)
    assert reports.read_queue(NOW).oldest_waiting_at == NOW - 5


def test_an_empty_queue_has_no_oldest_run() -> None:
    assert reports.read_queue(NOW).oldest_waiting_at is None


def test_scan_errors_and_the_last_scan_are_what_the_scan_wrote() -> None:
    error = FileError(
        path="/f/bad.py", error_type="SyntaxError", message="invalid", traceback="tb", line=3
    )
    assert reports.last_scan() is None
    record_scan(started_at=NOW, finished_at=NOW + 1, files=2, functions=1, errors=[error])

    scan = reports.last_scan()

    assert scan == report_rows.ScanReport(NOW, NOW + 1, files=2, functions=1, errors=1)
    assert [(e.path, e.line, e.message) for e in reports.list_scan_errors()] == [
        ("/f/bad.py", 3, "invalid")
    ]


def test_a_function_is_measured_by_its_longest_recent_run(database: Config) -> None:
    discover("a.first", "b.never", now=NOW)
    with transaction():
        change("UPDATE scheduled_functions SET next_run_at = NULL WHERE name = 'b.never'")
    _run_to_end(NOW, seconds=2)
    _run_to_end(NOW + 60, seconds=7)
    ids = {function.name: function.id for function in reports.list_functions()}

    assert reports.measure_durations(list(ids.values())) == {ids["a.first"]: pytest.approx(7)}


def _run_to_end(now: float, outcome: Outcome | None = None, *, seconds: float = 5) -> int:
    run = run_one(now)
    finished = finish(run, outcome or Outcome(status="success"), "worker-1", now + seconds)
    assert finished.is_accepted
    return run.id
