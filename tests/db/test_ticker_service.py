"""The ticker's loop over a real database: what it does first, and what it leaves to others."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scheduler import outages
from scheduler.config import Config
from scheduler.db import processes, ticks
from scheduler.db.connection import close_database
from scheduler.db.due import BATCH
from scheduler.db.due import FIRST_BATCH as FIRST_TICK
from scheduler.db.finishes import finish
from scheduler.db.messages import BATCH as UNSENT_AT_ONCE
from scheduler.db.processes import ProcessRow
from scheduler.db.retention import FIRST_BATCH
from scheduler.db.runs import insert_run_log
from scheduler.db.schema import init_schema, installation_id
from scheduler.db.statements import change, rows, transaction
from scheduler.errors import DatabaseUnavailableError, QueueUnavailableError
from scheduler.executor.call import Outcome
from scheduler.maintenance.bells import ticker_bell
from scheduler.maintenance.checkpoints import open_checkpoints
from scheduler.maintenance.duties import Duty
from scheduler.maintenance.presence import Presence, run_folder
from scheduler.maintenance.retention import PAUSE_SECONDS
from scheduler.maintenance.surroundings import Surroundings
from scheduler.maintenance.unread import Unread
from scheduler.models import database
from scheduler.policy import AHEAD_SECONDS
from scheduler.queue import RunQueue, open_queue
from scheduler.runner.inspection import FileReport
from scheduler.stopping import StopSignal
from scheduler.testing import SettableClock
from scheduler.ticker.service import HELD_SECONDS, LEAD_SECONDS, UNREAD_SECONDS, TickerService
from scheduler.ticker.tick import Ticker
from tests.db import rows as table
from tests.db.conftest import make_config
from tests.db.rows import NOW, WORKER, discover, run_one, start_run

FUNCTIONS_WITH_RUNS = (
    "SELECT name FROM scheduled_functions f WHERE EXISTS "
    "(SELECT 1 FROM run_logs r WHERE r.function_id = f.id)"
)


class NoScans:
    has_scanned = True

    def step(self, _now: float) -> None: ...


class EndlessScan(NoScans):
    has_scanned = False


class OneRound:
    """Lets the loop go round once; notes how long it would have slept."""

    def __init__(self) -> None:
        self.sleeps: list[float] = []

    def wait(self, timeout: float, also: tuple[int, ...] = ()) -> bool:
        self.sleeps.append(timeout)
        return len(self.sleeps) > 1


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Config]:
    config = make_config(tmp_path)
    init_schema(config)
    yield config
    close_database()


@contextmanager
def made(
    config: Config,
    clock: SettableClock,
    scans: type[NoScans] = NoScans,
    unread: Unread | None = None,
) -> Iterator[TickerService]:
    """Yield a ticker's service that is registered, and stop it."""
    queue, bell = open_queue(config, installation_id()), ticker_bell(config)
    presence = Presence(config, "ticker", clock=clock)
    presence.start()
    yield TickerService(
        config,
        queue=queue,
        presence=presence,
        surroundings=Surroundings(config, queue=queue, stop=StopSignal(), can_migrate=True),
        scans=scans(),  # type: ignore[arg-type]
        unread=Unread() if unread is None else unread,
        bell=bell,
        checkpoints=open_checkpoints(config, clock),
        clock=clock,
    )
    queue.storage.close()
    bell.close()
    presence.stop()


def test_a_tick_that_failed_is_not_repeated_without_a_pause(
    sqlite: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    discover("a.f")
    stop = OneRound()
    with made(sqlite, SettableClock(NOW + 1)) as service:
        change("PRAGMA query_only = 1")  # as if the disk were full: what is due stays due
        service.run(stop)  # type: ignore[arg-type]
        change("PRAGMA query_only = 0")
    assert "tick.failed" in capsys.readouterr().err
    assert stop.sleeps[0] == 0.0
    assert stop.sleeps[1] > 0.0


def test_what_is_recorded_is_sent_though_the_database_fails_at_the_next_function(
    sqlite: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    discover("a.f", "b.f")
    record, faults = ticks.record_tick, [ValueError("bad"), None, DatabaseUnavailableError("gone")]

    def record_or_fail(*arguments: Any) -> ticks.Recorded:
        if fault := faults.pop(0):
            raise fault
        return record(*arguments)

    monkeypatch.setattr(ticks, "record_tick", record_or_fail)
    queue = open_queue(sqlite, installation_id())
    ticker = Ticker(queue, Unread(), SettableClock(NOW))
    with pytest.raises(DatabaseUnavailableError):
        ticker.tick(NOW)
    ticker.send_due(NOW)
    assert queue.size() == 1
    queue.storage.close()


def test_that_the_database_can_be_used_again_is_told(
    sqlite: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    discover("a.f")
    clock = SettableClock(NOW + 1)
    with made(sqlite, clock) as service:
        change("PRAGMA query_only = 1")
        service.step(clock.now())
        assert "can be used again" not in capsys.readouterr().err
        change("PRAGMA query_only = 0")
        monkeypatch.setattr(outages, "CALM_SECONDS", 0.0)
        service.step(clock.now())
    assert f"INFO: {sqlite.db_path} can be used again lasted_seconds=" in capsys.readouterr().err


def test_a_function_whose_row_somebody_holds_is_asked_for_again_after_a_pause(
    server: Config,
) -> None:
    discover("a.f")
    stop = OneRound()
    with (
        psycopg.connect(str(server.database_url)) as other,
        made(server, SettableClock(NOW + 1)) as service,
    ):
        other.execute("SELECT 1 FROM scheduled_functions FOR UPDATE")
        service.run(stop)  # type: ignore[arg-type]
        assert table.runs("id") == []
        assert (stop.sleeps[0], stop.sleeps[1]) == (0.0, HELD_SECONDS)
        other.rollback()
        service.step(NOW + 2)
    assert table.runs("status") == [("queued",)]


def test_functions_behind_more_held_rows_than_a_batch_are_decided_all_the_same(
    server: Config,
) -> None:
    discover(*(f"a.f{number}" for number in range(BATCH + FIRST_TICK)))
    discover("b.free", now=NOW + 0.5)
    stop = OneRound()
    with (
        psycopg.connect(str(server.database_url)) as other,
        made(server, SettableClock(NOW + 1)) as service,
    ):
        other.execute("SELECT 1 FROM scheduled_functions WHERE name != 'b.free' FOR UPDATE")
        service.run(stop)  # type: ignore[arg-type]
        assert rows(FUNCTIONS_WITH_RUNS) == [("b.free",)]
        other.rollback()
        service.step(NOW + 2)
    assert len(rows(FUNCTIONS_WITH_RUNS)) == BATCH + FIRST_TICK + 1


def test_many_put_off_runs_that_become_available_at_once_are_sent_without_a_pause(
    sqlite: Config,
) -> None:
    discover("a.f", overlap="allow")
    with transaction():
        for _ in range(UNSENT_AT_ONCE + 1):
            insert_run_log(1, NOW, now=NOW, is_held_while_open=False)
        change("UPDATE run_logs SET sent_at = NULL")
    stop = OneRound()
    with made(sqlite, SettableClock(NOW)) as service:
        service.run(stop)  # type: ignore[arg-type]
        assert stop.sleeps[1] == 0.0
        service.step(NOW)
    assert rows("SELECT COUNT(*) FROM run_logs WHERE sent_at IS NULL") == [(0,)]


def test_a_run_that_died_with_the_machine_does_not_hold_back_the_slot_after_the_downtime(
    sqlite: Config,
) -> None:
    discover("a.f", overlap="skip")
    processes.register(ProcessRow("dead", "worker", "host", 7, NOW, 0, NOW, 2, "running", None))
    folder = run_folder(sqlite)
    assert folder is not None
    folder.mkdir()
    (folder / "dead.lock").touch()  # nobody holds it
    run_one(NOW, worker="dead")

    with made(sqlite, SettableClock(NOW + 600)) as service:
        service.run(OneRound())  # type: ignore[arg-type]

    assert table.runs("status", "scheduled_for", "slots") == [
        ("lost", NOW, 1),
        ("queued", NOW + 600, 10),
    ]


class Rounds:
    """Lets the loop go round; the time passes that it sleeps, and somebody may ring meanwhile."""

    def __init__(self, clock: SettableClock, *meanwhile: Callable[[], object]) -> None:
        self._clock = clock
        self._meanwhile = list(meanwhile)
        self.slept_until: list[float] = []

    def wait(self, timeout: float, also: tuple[int, ...] = ()) -> bool:
        self._clock.advance(timeout)
        self.slept_until.append(self._clock.now())
        return not self._meanwhile or bool(self._meanwhile.pop(0)())


@pytest.fixture
def waiting(sqlite: Config) -> Iterator[Callable[[], int]]:
    """Return how many messages are in the queue."""
    queue = open_queue(sqlite, installation_id())
    yield queue.size
    queue.storage.close()


def test_a_slot_is_decided_before_it_is_due_and_its_run_is_sent_when_it_is(
    sqlite: Config, waiting: Callable[[], int]
) -> None:
    discover("a.f")
    clock = SettableClock(NOW - 0.75)
    seen = []

    def look() -> None:
        seen.append((round(clock.now() - NOW, 6), table.runs("status", "queued_at"), waiting()))

    rounds = Rounds(clock, look, look, look, look)
    with made(sqlite, clock) as service:
        service.run(rounds)  # type: ignore[arg-type]

    assert seen[1:] == [
        (-LEAD_SECONDS, [], 0),
        (0.0, [("queued", NOW)], 0),
        (0.25, [("queued", NOW)], 1),  # for the next duty
    ]


def test_slots_that_follow_closely_are_decided_together_and_sent_one_by_one(
    sqlite: Config, waiting: Callable[[], int]
) -> None:
    discover("a.f")
    discover("a.g", now=NOW + 0.02)
    discover("a.h", now=NOW + AHEAD_SECONDS)  # too far ahead of when the first is decided
    clock = SettableClock(NOW - 0.75)
    seen = []

    def look() -> None:
        seen.append((round(clock.now() - NOW, 6), len(table.runs("id")), waiting()))

    rounds = Rounds(clock, *[look] * 7)
    with made(sqlite, clock) as service:
        service.run(rounds)  # type: ignore[arg-type]

    assert seen[1:] == [
        (-LEAD_SECONDS, 0, 0),
        (0.0, 2, 0),
        (0.02, 2, 1),
        (AHEAD_SECONDS - LEAD_SECONDS, 2, 2),
        (AHEAD_SECONDS, 3, 2),
        (0.25, 3, 3),
    ]
    assert table.runs("sent_at") == [(NOW,), (NOW + 0.02,), (NOW + AHEAD_SECONDS,)]


@pytest.mark.parametrize("interval_seconds", [0.02, 0.03, 0.045])
def test_each_slot_of_a_short_interval_is_decided_ahead(
    sqlite: Config, interval_seconds: float
) -> None:
    discover("a.f", interval_seconds=interval_seconds, overlap="allow")
    clock = SettableClock(NOW + 0.001)  # the first slot is late
    were_there = []

    def look() -> None:
        slots = {round(slot - NOW, 3) for (slot,) in table.runs("scheduled_for")}
        number = round((clock.now() - NOW) / interval_seconds, 2)
        if number.is_integer():
            were_there.append(round(number * interval_seconds, 3) in slots)

    rounds = Rounds(clock, *[look] * 10)
    with made(sqlite, clock) as service:
        service.run(rounds)  # type: ignore[arg-type]

    assert len(were_there) >= 4
    assert all(were_there)


def test_of_a_crowd_at_one_instant_some_are_decided_ahead_and_the_rest_when_they_are_due(
    sqlite: Config, waiting: Callable[[], int]
) -> None:
    discover(*(f"a.f{number}" for number in range(FIRST_TICK + 1)))
    clock = SettableClock(NOW - 0.75)
    seen = []
    rounds = Rounds(clock, *[lambda: seen.append((len(table.runs("id")), waiting()))] * 4)
    with made(sqlite, clock) as service:
        service.run(rounds)  # type: ignore[arg-type]

    assert seen[1:] == [(0, 0), (FIRST_TICK, 0), (FIRST_TICK + 1, FIRST_TICK + 1)]
    assert len(set(table.runs("function_id"))) == FIRST_TICK + 1


def test_a_ticker_that_is_stopped_waits_for_the_slots_that_it_has_decided(
    sqlite: Config, waiting: Callable[[], int]
) -> None:
    discover("a.f")
    clock = SettableClock(NOW - 0.75)

    def stop_early() -> bool:
        clock.set(NOW - 0.005)
        return True

    rounds = Rounds(clock, lambda: None, lambda: None, stop_early)
    with made(sqlite, clock) as service:
        service.run(rounds)  # type: ignore[arg-type]
        assert (clock.now(), waiting()) == (NOW, 1)


def test_a_ticker_that_is_stopped_while_its_queue_fails_waits_for_nothing(
    sqlite: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    discover("a.f")
    discover("a.g", now=NOW + 0.02)
    clock = SettableClock(NOW - 0.75)

    def fail(_queue: RunQueue, messages: Sequence[object]) -> None:
        if messages:
            raise QueueUnavailableError("the queue: gone")

    def stop_early() -> bool:
        clock.set(NOW + 0.005)
        return True

    monkeypatch.setattr(RunQueue, "send", fail)
    rounds = Rounds(clock, *[lambda: None] * 3, stop_early)
    with made(sqlite, clock) as service:
        service.run(rounds)  # type: ignore[arg-type]
    assert clock.now() == NOW + 0.005


def test_a_slot_that_was_decided_does_not_come_later_because_the_clock_is_set_back(
    sqlite: Config, waiting: Callable[[], int]
) -> None:
    discover("a.f")
    clock = SettableClock(NOW - 0.75)
    sent = []
    rounds = Rounds(
        clock,
        lambda: None,
        lambda: None,
        lambda: clock.set(NOW - 3600),
        lambda: sent.append(waiting()),
    )
    with made(sqlite, clock) as service:
        service.run(rounds)  # type: ignore[arg-type]
    assert sent == [1]


def test_a_slot_whose_run_before_may_still_end_is_decided_when_it_is_due(sqlite: Config) -> None:
    discover("a.f", overlap="skip")
    clock = SettableClock(NOW + 59.25)
    worker = Presence(sqlite, "worker", clock=clock)
    worker.start()
    run = run_one(NOW, worker.id)

    def end() -> None:
        assert table.runs("status") == [("running",)]  # it woke early, and left it at that
        finish(run, Outcome(status="success"), worker.id, NOW + 59.999)

    rounds = Rounds(clock, lambda: None, lambda: None, end, lambda: True)
    with made(sqlite, clock) as service:
        service.run(rounds)  # type: ignore[arg-type]
    worker.stop()

    assert table.runs("status", "scheduled_for") == [("success", NOW), ("queued", NOW + 60)]


def test_a_retry_that_comes_shortly_before_a_slot_does_not_wait_for_it(sqlite: Config) -> None:
    discover("a.f", overlap="allow", retries=1, retry_delay_seconds=58.995)
    finish(run_one(NOW), Outcome(status="error"), WORKER, NOW + 1)
    clock = SettableClock(NOW + 59.25)
    rounds = Rounds(clock, *[lambda: None] * 4)
    with made(sqlite, clock) as service:
        service.run(rounds)  # type: ignore[arg-type]

    sent = [(attempt, round(at - NOW, 3)) for attempt, at in table.runs("attempt", "sent_at")]
    assert sent == [(1, 0.0), (2, 59.995), (1, 60.0)]


def test_a_ring_makes_it_look_for_retries_whatever_it_knew(sqlite: Config) -> None:
    clock, bell = SettableClock(NOW), ticker_bell(sqlite)
    discover("a.f", interval_seconds=3600.0, retries=1, retry_delay_seconds=0.0)
    run = run_one(NOW)

    def fail_and_ring() -> None:
        finish(run, Outcome(status="error"), WORKER, clock.now())
        assert table.runs("attempt", "sent_at")[1:] == [(2, None)]
        bell.ring()

    rounds = Rounds(clock, lambda: None, fail_and_ring)
    with made(sqlite, clock) as service:
        service.run(rounds)  # type: ignore[arg-type]

    assert table.runs("attempt", "sent_at")[1:] == [(2, rounds.slept_until[1])]


def test_a_retry_that_a_duty_makes_at_a_slot_that_was_decided_ahead_is_sent_in_time(
    sqlite: Config,
) -> None:
    clock = SettableClock(NOW + 3599.0)  # the duties are due a second later, with the next slot
    discover("a.f", interval_seconds=3600.0, overlap="allow", retries=1, retry_delay_seconds=0.1)
    worker = Presence(sqlite, "worker", clock=clock)
    worker.start()
    run = run_one(NOW, worker.id)

    def reap(now: float) -> None:
        if now == NOW + 3600.0:
            finish(run, Outcome(status="error"), worker.id, now)

    rounds = Rounds(clock, *[lambda: None] * 5)
    with made(sqlite, clock) as service:
        service.add_duty(Duty("reap", 1.0, reap))
        service.run(rounds)  # type: ignore[arg-type]
    worker.stop()

    (sent_at,) = [at for attempt, at in table.runs("attempt", "sent_at") if attempt == 2]
    assert round(sent_at - NOW, 3) == 3600.1


def test_a_slot_that_a_clock_set_back_brings_into_reach_is_not_noticed_late(
    sqlite: Config,
) -> None:
    discover("a.f", interval_seconds=0.1, overlap="allow")
    clock = SettableClock(NOW - 0.15)
    rounds = Rounds(clock, *[lambda: None] * 2, lambda: clock.set(NOW - 3600), *[lambda: None] * 3)
    with made(sqlite, clock) as service:
        service.run(rounds)  # type: ignore[arg-type]

    slots = [slot for (slot,) in table.runs("scheduled_for") if slot < NOW]
    assert slots
    assert table.runs("scheduled_for", "sent_at")[1:] == [(slot, slot) for slot in slots]


def test_a_service_that_has_nothing_to_do_writes_its_heartbeat_and_nothing_else(
    sqlite: Config,
) -> None:
    discover("a.f")
    clock = SettableClock(NOW - 600)
    written: list[str] = []

    with made(sqlite, clock) as service:
        service.step(clock.now())  # the first does more: retention, and a look at the clock
        database.connection().set_trace_callback(written.append)
        for _ in range(10):
            clock.advance(1.0)
            service.step(clock.now())
        database.connection().set_trace_callback(None)

    begun = [index for index, sql in enumerate(written) if sql.startswith("BEGIN")]
    assert len(begun) == 5
    assert all(written[index + 1].startswith("UPDATE processes SET beat") for index in begun)


def test_retention_goes_on_a_batch_at_a_time_until_it_has_caught_up(sqlite: Config) -> None:
    discover("a.f")
    rows = FIRST_BATCH + 100
    with transaction():
        change(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO run_logs (function_id, root_id, attempt, status, trigger, scheduled_for, "
            "covers_from, slots, finished_at, sends, output_bytes) "
            "SELECT 1, i, 1, 'success', 'schedule', i, i, 1, i, 0, 0 FROM n",
            [rows],
        )
    clock = SettableClock(NOW)
    left = []

    with made(sqlite, clock) as service:
        for _ in range(3):
            service.step(clock.now())
            left.append(len(table.runs("id")))
            clock.advance(PAUSE_SECONDS)

    assert left == [101, 1, 1]  # the newest stays: that of this tick


def test_a_clock_that_is_set_back_and_then_right_again_stops_nothing_and_doubles_nothing(
    sqlite: Config,
) -> None:
    clock = SettableClock(NOW)
    discover("a.f", overlap="allow")

    with made(sqlite, clock) as service:
        for now in (NOW, NOW - 7200, NOW - 7200 + 60, NOW + 60, NOW + 120):
            clock.set(now)
            service.step(now)

    slots = [slot for (slot,) in table.runs("scheduled_for")]
    assert slots == [NOW, NOW - 7200, NOW - 7200 + 60, NOW + 60, NOW + 120]
    assert {count for (count,) in table.runs("slots")} == {1, 120}  # the jump is a downtime


def test_a_retry_that_waits_while_the_clock_is_set_back_waits_no_longer_than_it_was_to(
    sqlite: Config,
) -> None:
    clock = SettableClock(NOW)
    discover("a.f", retries=1, retry_delay_seconds=10.0)
    with made(sqlite, clock) as service:
        service.step(NOW)
        finish(start_run(1, NOW), Outcome(status="error"), WORKER, NOW)
        clock.set(NOW - 3600)
        service.step(NOW - 3600)

    assert ("queued", 2, NOW - 3590) in table.runs("status", "attempt", "available_at")


def test_a_clock_that_jumps_ahead_is_a_downtime_with_one_run(sqlite: Config) -> None:
    clock = SettableClock(NOW)
    discover("a.f", overlap="allow")

    with made(sqlite, clock) as service:
        service.step(NOW)
        clock.set(NOW + 86400)
        service.step(NOW + 86400)

    assert table.runs("covers_from", "scheduled_for", "slots") == [
        (NOW, NOW, 1),
        (NOW + 60, NOW + 86400, 1440),
    ]


def test_what_was_edited_waits_for_a_scan_but_not_for_ever(sqlite: Config) -> None:
    discover("a.f")  # its file is away
    clock = SettableClock(NOW + 1)
    with made(sqlite, clock, EndlessScan) as service:
        service.run(OneRound())  # type: ignore[arg-type]
        service.step(clock.now())
        assert table.runs("id") == []

        clock.advance(UNREAD_SECONDS)
        service.step(clock.now())
        assert len(table.runs("id")) == 1


def test_what_was_edited_goes_on_as_soon_as_the_scan_has_read_it(sqlite: Config) -> None:
    discover("a.f", "a.g")  # their file is away
    clock, unread = SettableClock(NOW + 1), Unread()
    with made(sqlite, clock, EndlessScan, unread) as service:
        service.run(OneRound())  # type: ignore[arg-type]
        unread.release(
            FileReport(
                scan_path="/functions", module_path="reports.py", functions=(table.found("a.f"),)
            )
        )
        service.step(clock.now())
        assert rows(FUNCTIONS_WITH_RUNS) == [("a.f",)]

        unread.release(
            FileReport(scan_path="/functions", module_path="reports.py", is_imported=False)
        )
        service.step(clock.now())
        assert len(rows(FUNCTIONS_WITH_RUNS)) == 2
