"""W2: no-op runs enqueued in bulk, then drained."""

import time

from scheduler.db.due import BATCH, fetch_due_functions
from scheduler.db.runs import insert_run_log
from scheduler.db.schema import installation_id
from scheduler.db.statements import rows, transaction
from scheduler.db.ticks import record_tick
from scheduler.policy import decide
from scheduler.queue import open_queue
from tests.bench.bursts import DAY_SECONDS, move_slots, wait_rows
from tests.bench.functions import Functions
from tests.bench.peer import peer_on_stage
from tests.bench.stage import on_stage, opened, start_ticker, start_worker, wait_drained
from tests.bench.workload import BACKENDS, Measure, Numbers, Setting, Workload
from tests.process.service import Service, stop, wait_for

PER_FILE = 100
DRAINED_FUNCTIONS = 10
ALLOW = ", overlap='allow'"


def run(setting: Setting) -> Numbers:
    """Measure enqueueing by the ticker and without it, and draining with both kinds of executor."""
    count = setting.choose(20_000, 1_000)
    isolated_count = setting.choose(2_000, 100)
    numbers: Numbers = {}
    with on_stage(setting) as service:
        _tomorrow(files=count // PER_FILE).write(service)
        ticker = start_ticker(service)
        numbers["enqueue through the ticker"] = _enqueue_by_ticker(service, count)
        stop(ticker)
        numbers |= _enqueue_alone(service, count)
    with on_stage(setting) as service:
        numbers["dequeue to finish"] = _drain(service, count, ALLOW)
    with on_stage(setting) as service:
        numbers["dequeue to finish, isolated"] = _drain(
            service, isolated_count, f"{ALLOW}, isolated=True"
        )
    both = 1 / numbers["enqueue through the ticker"] + 1 / numbers["dequeue to finish"]
    return numbers | {"enqueue, then dequeue to finish": 1 / both}


def run_peer(setting: Setting) -> Numbers:
    """Measure `task()` one by one, then the consumer alone."""
    count = setting.choose(20_000, 1_000)
    with peer_on_stage() as peer:
        functions = _tomorrow(files=count // PER_FILE, first_at=time.time() + 1)
        ticker = peer.start_ticker(functions)
        fired, began_at, ended_at = peer.wait_burst()
        stop(ticker)
        peer.start_consumer()
        peer.wait_finished(fired)
        ((first_at, last_at),) = peer.rows("SELECT MIN(started_at), MAX(finished_at) FROM history")
    enqueue, drain = fired / (ended_at - began_at), fired / (last_at - first_at)
    return {
        "enqueue through the ticker": enqueue,
        "dequeue to finish": drain,
        "enqueue, then dequeue to finish": 1 / (1 / enqueue + 1 / drain),
    }


def _tomorrow(
    *, files: int, per_file: int = PER_FILE, first_at: float | None = None, options: str = ALLOW
) -> Functions:
    return Functions(
        files=files,
        per_file=per_file,
        interval_seconds=DAY_SECONDS,
        first_at=time.time() + DAY_SECONDS if first_at is None else first_at,
        options=options,
    )


def _enqueue_by_ticker(service: Service, count: int) -> float:
    """Return runs per second from the due instant until the last message is in the queue."""
    instant = move_slots(service)
    with opened(service) as config:
        queue = open_queue(config, installation_id())
        wait_rows(service, count)
        wait_for(lambda: queue.size() == count, f"{count} messages")
        return count / (time.time() - instant)


def _enqueue_alone(service: Service, count: int) -> Numbers:
    """Decide everything beforehand; then measure the insert and the messages of each batch."""
    with opened(service) as config:
        queue = open_queue(config, installation_id())
        now = time.time() + DAY_SECONDS
        began = time.perf_counter()
        decided = [(due, decide(due, now)) for due in fetch_due_functions(now, count)]
        deciding = time.perf_counter() - began
        inserting = sending = 0.0
        for at in range(0, count, BATCH):
            began = time.perf_counter()
            _, sends = record_tick(decided[at : at + BATCH], now)
            middle = time.perf_counter()
            queue.send(sends[now])
            inserting += middle - began
            sending += time.perf_counter() - middle
    return {
        "insert + enqueue_many": count / (inserting + sending),
        "fetch and decide": count / deciding,
        "insert": count / inserting,
        "enqueue_many": count / sending,
    }


def _drain(service: Service, count: int, options: str) -> float:
    """Return runs per second from the first start to the last finish; the ticker goes on ticking.

    One file of a few functions, many runs of each: importing thousands is not in it.
    """
    _tomorrow(files=1, per_file=DRAINED_FUNCTIONS, options=options).write(service)
    start_ticker(service)
    _insert_runs(service, count)
    start_worker(service)
    wait_drained(service)
    ((first_at, last_at, succeeded),) = service.rows(
        "SELECT MIN(started_at), MAX(finished_at), SUM(CASE WHEN status = 'success' THEN 1 END) "
        "FROM run_logs"
    )
    assert succeeded == count, f"{succeeded} of {count} runs succeeded; {service.read_log()}"
    return count / float(last_at - first_at)


def _insert_runs(service: Service, count: int) -> None:
    with opened(service) as config:
        queue = open_queue(config, installation_id())
        ids = [function_id for (function_id,) in rows("SELECT id FROM scheduled_functions")]
        now = time.time()
        for at in range(0, count, BATCH):
            messages = []
            with transaction():
                for number in range(at, min(at + BATCH, count)):
                    _, message = insert_run_log(
                        ids[number % len(ids)], now, now=now, is_held_while_open=False
                    )
                    messages += message
            queue.send(messages)


WORKLOAD = Workload(
    "W2",
    "20,000 no-op runs enqueued in bulk, then drained",
    (
        Measure("enqueue through the ticker", "runs/s", at_least=25_000, is_more_better=True),
        Measure("insert + enqueue_many", "runs/s", at_least=60_000, is_more_better=True),
        Measure("fetch and decide", "runs/s", is_more_better=True),
        Measure("insert", "runs/s", is_more_better=True),
        Measure("enqueue_many", "runs/s", is_more_better=True),
        Measure("dequeue to finish", "runs/s", at_least=4_500, times_peer=1.8, is_more_better=True),
        Measure("enqueue, then dequeue to finish", "runs/s", is_more_better=True),
        Measure("dequeue to finish, isolated", "runs/s", at_least=500, is_more_better=True),
    ),
    run,
    run_peer,
    BACKENDS,
)
