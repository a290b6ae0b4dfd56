"""Claims, starts and verdicts: fenced changes of one row."""

from collections.abc import Sequence
from threading import Thread

import pytest

from scheduler.db import finishes, messages, processes, runs
from scheduler.db.claims import STARTED_TOO_LATE, claim_and_start
from scheduler.db.finishes import finish, reap
from scheduler.db.processes import ProcessRow
from scheduler.db.statements import change, rows, transaction
from scheduler.errors import NotFoundError
from scheduler.executor.call import Outcome
from scheduler.maintenance.sweeper import Sweeper
from tests.db import rows as table
from tests.db.rows import (
    NOW,
    WORKER,
    count_steps,
    discover,
    insert_finished,
    one,
    run_one,
    start_run,
    tick,
)

pytestmark = pytest.mark.usefixtures("database")
SUCCESS = Outcome(status="success", output="hello", output_bytes=5, result="42")


def test_a_run_is_claimed_once() -> None:
    discover("a.f")
    ((run_id, _),) = tick(NOW)
    first, _ = claim_and_start(run_id, "one", NOW)
    assert first is not None
    assert claim_and_start(run_id, "two", NOW) == (None, [])
    assert table.runs("claimed_by") == [("one",)]


def test_a_run_that_is_not_available_yet_is_not_claimed() -> None:
    discover("a.f", interval_seconds=100.0, jitter_seconds=50.0)
    tick(NOW)
    assert claim_and_start(1, WORKER, NOW) == (None, [])
    assert claim_and_start(1, WORKER, NOW + 50)[0] is not None


def test_what_was_sent_is_claimed_also_by_a_worker_whose_clock_is_behind() -> None:
    discover("a.f")
    ((run_id, _),) = tick(NOW)
    assert claim_and_start(run_id, WORKER, NOW - 3)[0] is not None


def test_a_claim_later_than_the_grace_is_missed() -> None:
    discover("a.f", grace_seconds=5.0)
    ((run_id, _),) = tick(NOW)
    assert claim_and_start(run_id, WORKER, NOW + 6) == (None, [])
    assert table.runs("status", "reason") == [("missed", STARTED_TOO_LATE)]
    assert table.one("SELECT last_status FROM scheduled_functions") == "missed"


def test_a_function_that_failed_last_stays_failing_when_it_misses_a_slot() -> None:
    discover("a.f", grace_seconds=5.0)
    finish(run_one(NOW), Outcome(status="error"), WORKER, NOW + 1)
    ((run_id, _),) = tick(NOW + 60)
    assert claim_and_start(run_id, WORKER, NOW + 66) == (None, [])
    assert table.one("SELECT last_status FROM scheduled_functions") == "error"


def test_a_retry_may_start_later_than_the_grace_of_its_slot() -> None:
    discover("a.f", grace_seconds=5.0, retries=1)
    finish(run_one(NOW), Outcome(status="error"), WORKER, NOW + 1)
    assert claim_and_start(2, WORKER, NOW + 100)[0] is not None


def test_what_runs_is_not_read_in_the_middle_of_another_threads_transaction() -> None:
    discover("a.f")
    run = run_one(NOW)
    seen: list[Sequence[int]] = []
    reader = Thread(target=lambda: seen.append(finishes.fetch_running(WORKER)))
    with pytest.raises(ValueError, match="undone"), transaction():  # noqa: PT012 - one story
        change("UPDATE run_logs SET status = 'lost'")
        reader.start()
        reader.join(0.2)  # it waits for us, or reads at once what is not so
        raise ValueError("undone")
    reader.join()
    assert [list(ids) for ids in seen] == [[run.id]]


def test_a_run_that_an_orderly_stop_cut_off_is_lost_but_no_failure_of_its_function() -> None:
    discover("a.f")
    finish(run_one(NOW), Outcome(status="error"), WORKER, NOW + 1)
    run = run_one(NOW + 60)

    finish(run, Outcome(status="lost", reason=f"{finishes.CUT_OFF} by a stop"), WORKER, NOW + 61)

    assert rows("SELECT last_status, consecutive_failures FROM scheduled_functions") == [
        ("lost", 1)
    ]


def test_a_verdict_is_written_with_everything_that_came_back() -> None:
    discover("a.f")
    finished = finish(run_one(NOW), SUCCESS, WORKER, NOW + 2)
    assert finished.is_accepted
    assert table.runs("status", "finished_at", "output", "result") == [
        ("success", NOW + 2, "hello", "42")
    ]
    assert rows(
        "SELECT last_status, last_started_at, last_duration_seconds, consecutive_failures "
        "FROM scheduled_functions"
    ) == [("success", NOW, 2.0, 0)]


def test_a_verdict_is_final() -> None:
    discover("a.f")
    run = run_one(NOW)
    assert finish(run, SUCCESS, WORKER, NOW).is_accepted
    assert not finish(run, Outcome(status="error"), WORKER, NOW).is_accepted
    assert table.runs("status") == [("success",)]


def test_a_worker_that_was_declared_dead_cannot_overwrite_the_verdict() -> None:
    discover("a.f")
    run = run_one(NOW)
    reap(WORKER, reason="no heartbeat", now=NOW + 15)
    assert not finish(run, SUCCESS, WORKER, NOW + 16).is_accepted
    assert table.runs("status", "reason") == [("lost", "no heartbeat")]


def test_a_worker_that_was_declared_dead_claims_nothing_more() -> None:
    discover("a.f")
    processes.register(ProcessRow(WORKER, "worker", "host", 7, NOW, 0, NOW, 2, "running", None))
    ((run_id, _),) = tick(NOW)
    assert processes.mark_lost(WORKER, "no heartbeat", 0)
    assert claim_and_start(run_id, WORKER, NOW) == (None, [])
    assert start_run(run_id, NOW, worker="another").id == run_id


def test_a_failed_attempt_is_retried_after_a_growing_delay() -> None:
    discover("a.f", retries=2, retry_delay_seconds=10.0, retry_backoff=3.0)
    first = finish(run_one(NOW), Outcome(status="error"), WORKER, NOW)
    assert first.retry_at == NOW + 10
    second = finish(start_run(2, NOW + 10), Outcome(status="timeout"), WORKER, NOW + 20)
    assert second.retry_at == NOW + 50
    last = finish(start_run(3, NOW + 50), Outcome(status="error"), WORKER, NOW + 60)
    assert last.retry_at is None
    assert table.runs("root_id", "attempt", "status", "scheduled_for") == [
        (1, 1, "error", NOW),
        (1, 2, "timeout", NOW),
        (1, 3, "error", NOW),
    ]
    assert one("SELECT consecutive_failures FROM scheduled_functions") == 3


def test_a_cancelled_attempt_is_not_retried_and_is_no_failure() -> None:
    discover("a.f", retries=2)
    finished = finish(run_one(NOW), Outcome(status="cancelled"), WORKER, NOW)
    assert finished.retry_at is None
    assert one("SELECT consecutive_failures FROM scheduled_functions") == 0


def test_what_a_dead_worker_was_running_is_lost_and_retried() -> None:
    discover("a.f", "a.g", retries=1)
    (first, _), _ = tick(NOW)
    start_run(first, NOW)
    (lost,) = reap(WORKER, reason="killed", now=NOW + 1)
    assert lost.retry_at == NOW + 11
    assert table.runs("status", "claimed_by") == [
        ("lost", WORKER),
        ("queued", None),
        ("queued", None),
    ]


def test_reaping_twice_changes_nothing_more() -> None:
    discover("a.f", retries=1)
    run_one(NOW)
    assert len(reap(WORKER, reason="killed", now=NOW)) == 1
    assert reap(WORKER, reason="killed", now=NOW) == []
    assert len(table.runs("id")) == 2


def test_a_lost_message_is_sent_again_later_and_later() -> None:
    discover("a.f")
    tick(NOW + 0.1)
    assert messages.take_overdue(NOW + 4) == []
    assert messages.take_overdue(NOW + 6) == [(1, 0)]
    assert messages.take_overdue(NOW + 12) == []
    assert messages.take_overdue(NOW + 17) == [(1, 0)]
    assert messages.count_waiting(NOW + 17) == 1


def test_what_was_decided_before_its_slot_is_soon_sent_again_its_sender_may_be_dead() -> None:
    discover("a.f")
    tick(NOW)  # as if it were NOW
    assert messages.take_overdue(NOW + 0.2) == []
    assert messages.take_overdue(NOW + 0.3) == [(1, 0)]
    assert messages.take_overdue(NOW + 5.0) == []
    assert messages.take_overdue(NOW + 11.0) == [(1, 0)]


class Queue:
    """Stands for one that holds so many messages; notes what is sent to it."""

    def __init__(self, size: int) -> None:
        self.size = lambda: size
        self.sent: list[messages.Message] = []

    def send(self, sent: list[messages.Message]) -> None:
        self.sent += sent


@pytest.mark.parametrize(("size", "again"), [(1, []), (0, [(1, 0)])])
def test_what_another_ticker_is_about_to_send_does_not_make_a_queue_look_lost(
    size: int, again: list[messages.Message]
) -> None:
    discover("a.f")
    discover("a.g", now=NOW + 10)
    tick(NOW)
    tick(NOW + 10)  # decided, and not yet in the queue
    queue = Queue(size)
    Sweeper(queue).sweep(NOW + 10.01)  # type: ignore[arg-type]
    assert queue.sent == again


def test_a_running_attempt_is_not_sent_again() -> None:
    discover("a.f")
    run_one(NOW)
    assert messages.take_overdue(NOW + 100) == []
    assert messages.count_waiting(NOW + 100) == 0


def test_a_retry_is_sent_when_its_time_has_come() -> None:
    discover("a.f", retries=1)
    finish(run_one(NOW), Outcome(status="error"), WORKER, NOW)
    assert messages.next_unsent_at() == NOW + 10
    assert messages.take_unsent(NOW + 9) == []
    assert messages.take_unsent(NOW + 10) == [(2, 0)]
    assert messages.take_unsent(NOW + 10) == []


def test_a_manual_run_waits_for_an_open_one_unless_forced() -> None:
    discover("a.f")
    first = run_one(NOW)
    assert runs.insert_run_log(1, NOW + 1, now=NOW + 1) == (2, [])
    assert runs.insert_run_log(1, NOW + 1, now=NOW + 1, is_held_while_open=False) == (3, [(3, 0)])
    assert finish(first, SUCCESS, WORKER, NOW + 2).messages == []
    forced = start_run(3, NOW + 2)
    assert finish(forced, SUCCESS, WORKER, NOW + 3).messages == [(2, 0)]


def test_a_queued_run_is_cancelled_at_once_and_never_starts() -> None:
    discover("a.f")
    tick(NOW)
    assert runs.cancel(1, NOW) == ("withdrawn", [])
    assert claim_and_start(1, WORKER, NOW) == (None, [])


def test_a_running_run_is_cancelled_by_asking_its_worker() -> None:
    discover("a.f")
    run_one(NOW)
    assert runs.cancel(1, NOW) == ("requested", [])
    (request,) = runs.fetch_requests(WORKER)
    assert (request.run_id, request.wants_cancel, request.wants_stack) == (1, True, False)


def test_cancelling_what_has_ended_tells_its_verdict() -> None:
    discover("a.f")
    finish(run_one(NOW), SUCCESS, WORKER, NOW)
    assert runs.cancel(1, NOW) == ("success", [])
    with pytest.raises(NotFoundError, match="no run 99"):
        runs.cancel(99, NOW)


def test_a_stack_is_asked_for_until_it_is_written() -> None:
    discover("a.f")
    run_one(NOW)
    assert runs.request_stack(1, NOW)
    assert [request.wants_stack for request in runs.fetch_requests(WORKER)] == [True]
    runs.record_stack(1, "Thread 1")
    assert [request.wants_stack for request in runs.fetch_requests(WORKER)] == [False]


def test_output_is_only_written_while_the_run_goes() -> None:
    discover("a.f")
    run = run_one(NOW)
    runs.record_output(1, "half", 4)
    assert table.runs("output", "output_bytes") == [("half", 4)]
    finish(run, SUCCESS, WORKER, NOW)
    runs.record_output(1, "late", 4)
    assert table.runs("output") == [("hello",)]


def test_a_running_row_that_its_worker_does_not_know_is_lost() -> None:
    discover("a.f")
    run_one(NOW)
    assert finishes.fetch_running(WORKER) == [1]
    assert finishes.lose(1, WORKER, reason="forgotten", now=NOW).is_accepted
    assert finishes.fetch_running(WORKER) == []


def test_a_run_whose_worker_left_without_it_is_found() -> None:
    discover("a.f")
    run_one(NOW)
    assert finishes.fetch_absent_owners(NOW) == []
    assert finishes.fetch_absent_owners(NOW + 1) == [WORKER]
    processes.register(ProcessRow(WORKER, "worker", "host", 7, NOW, 0, NOW, 2, "running", None))
    assert finishes.fetch_absent_owners(NOW + 1) == []


@pytest.mark.parametrize("config", ["sqlite"], indirect=True)  # which alone counts its steps
def test_looking_for_absent_owners_costs_the_same_however_many_runs_have_ended() -> None:
    discover("a.f")
    insert_finished(20)
    few = count_steps(lambda: finishes.fetch_absent_owners(NOW))
    insert_finished(2000)
    assert count_steps(lambda: finishes.fetch_absent_owners(NOW)) < few + 1000
