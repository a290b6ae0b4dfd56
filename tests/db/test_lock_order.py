"""PostgreSQL: nobody waits in a circle. Runs are locked before functions, each kind by its ids."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from scheduler.config import Config
from scheduler.db import functions, messages
from scheduler.db.claims import claim_and_start, claim_chunk
from scheduler.db.finishes import finish, reap
from scheduler.db.runs import insert_run_log
from scheduler.db.statements import transaction
from scheduler.executor.call import Outcome
from tests.db.rows import NOW, WORKER, discover, runs, start_run, tick
from tests.process.service import wait_for

SUCCESS = Outcome(status="success")
LOCK_FUNCTION = "UPDATE scheduled_functions SET line = 2 WHERE id = %s"
LOCK_RUN = "UPDATE run_logs SET sends = sends WHERE id = %s"
INSERT_RUN = (
    "INSERT INTO run_logs (function_id, attempt, status, trigger, scheduled_for, covers_from, "
    "slots, queued_at, available_at, sends, output_bytes) "
    "VALUES (%s, 1, 'queued', 'manual', 0, 0, 1, 0, 0, 0, 0)"
)
WAITS = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@contextmanager
def another(config: Config) -> Iterator[psycopg.Connection]:
    """Yield another process's connection, inside a transaction that is committed at the end."""
    with psycopg.connect(str(config.database_url)) as connection:
        yield connection


def meanwhile(config: Config, ours: Callable[[], object], first: str, then: str, *ids: int) -> None:
    """Let another lock one row, us come to wait for it, and the other lock a second row."""
    failures: list[Exception] = []

    def act() -> None:
        try:
            ours()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failures.append(error)

    thread = threading.Thread(target=act)
    with another(config) as other, psycopg.connect(str(config.database_url)) as observer:
        observer.autocommit = True
        other.execute(first.encode(), [ids[0]])
        thread.start()
        wait_for(lambda: observer.execute(WAITS).fetchall(), "us to wait for the other")
        other.execute(then.encode(), [ids[1]])
    thread.join()
    assert failures == []


def test_a_verdict_and_the_next_start_lock_their_functions_in_the_order_of_ids(
    server: Config,
) -> None:
    discover("a.f", "b.f")
    of_first, of_second = (run_id for run_id, _ in tick(NOW))
    run = start_run(of_second, NOW)

    def finish_and_start() -> None:
        with transaction():
            assert finish(run, SUCCESS, WORKER, NOW).is_accepted
            assert claim_and_start(of_first, WORKER, NOW)[0]

    meanwhile(server, finish_and_start, LOCK_FUNCTION, LOCK_FUNCTION, 1, 2)


def test_reaping_locks_all_runs_before_any_function(server: Config) -> None:
    discover("a.f", "b.f")
    for run_id, _ in tick(NOW):
        start_run(run_id, NOW)

    meanwhile(server, lambda: reap(WORKER, reason="", now=NOW), LOCK_RUN, LOCK_FUNCTION, 2, 1)


def test_a_tick_that_replaces_runs_locks_them_before_their_function(server: Config) -> None:
    discover("a.f", overlap="replace")
    ((run_id, _),) = tick(NOW)
    start_run(run_id, NOW)

    meanwhile(server, lambda: tick(NOW + 60), LOCK_RUN, LOCK_FUNCTION, run_id, 1)


def test_a_scan_locks_functions_in_the_order_of_their_ids(server: Config) -> None:
    discover("a.f", "b.f")

    def scan() -> None:
        discover("b.f", "a.f", retries=1)

    meanwhile(server, scan, LOCK_FUNCTION, LOCK_FUNCTION, 1, 2)


def test_functions_that_go_are_locked_in_the_order_of_their_ids(server: Config) -> None:
    discover("a.f", "b.f")
    with another(server) as other:  # an update moves a row behind the others
        other.execute(LOCK_FUNCTION.encode(), [1])

    def leave() -> None:
        functions.mark_gone(["a.f", "b.f"], NOW)

    meanwhile(server, leave, LOCK_FUNCTION, LOCK_FUNCTION, 1, 2)


def test_a_chunk_is_claimed_in_the_order_of_ids_and_run_in_that_of_the_queue(
    server: Config,
) -> None:
    discover("a.f", "b.f")
    tick(NOW)

    def claim() -> None:
        claimed, _ = claim_chunk([2, 1], WORKER, NOW)
        assert [run.id for run in claimed] == [2, 1]

    meanwhile(server, claim, LOCK_RUN, LOCK_RUN, 1, 2)


def test_the_sweep_leaves_out_what_is_being_claimed(server: Config) -> None:
    discover("a.f", "b.f")
    tick(NOW)

    with another(server) as worker:
        worker.execute(LOCK_RUN.encode(), [2])
        assert messages.take_overdue(NOW + 100) == [(1, 0)]

    assert runs("sends") == [(2,), (1,)]


def test_a_retry_that_is_being_written_does_not_keep_its_function_from_a_tick(
    server: Config,
) -> None:
    discover("a.f", overlap="allow")
    tick(NOW)

    with another(server) as worker:
        worker.execute(
            "INSERT INTO run_logs (function_id, root_id, attempt, status, trigger, scheduled_for, "
            "covers_from, slots, queued_at, available_at, sends, output_bytes) SELECT function_id, "
            "root_id, 2, status, trigger, scheduled_for, covers_from, 1, 0, 0, 0, 0 FROM run_logs"
        )
        assert len(tick(NOW + 60)) == 1


def test_of_two_runs_that_are_asked_for_at_once_one_waits_for_the_other(server: Config) -> None:
    discover("a.f", overlap="skip")

    meanwhile(server, lambda: insert_run_log(1, NOW, now=NOW), LOCK_FUNCTION, INSERT_RUN, 1, 1)

    assert sorted(runs("available_at"), key=str) == [(0.0,), (None,)]
