"""A time-out and a cancel end whatever a function does, in a real service."""

from collections.abc import Callable

from tests.process.backends import ALL_BACKENDS
from tests.process.service import Service, command_line, stop, wait_for

pytestmark = ALL_BACKENDS

# Each runs for ever, in a way of its own; `begun` comes first.
ENDLESS = {
    "sleeps": "time.sleep(600)",
    "counts": "sum(range(10**10))",
    "queries": (
        'sqlite3.connect(":memory:").execute("WITH RECURSIVE n(i) AS'
        ' (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n").fetchall()'
    ),
    "shells": 'os.system("sleep 607 & sleep 607; wait")',
    "swallows": "swallow()",
}
SWALLOW = """
import sqlite3

def swallow():
    while True:
        try:
            while True:
                time.sleep(0.01)
        except BaseException:
            pass
"""
GRACE_SECONDS = 2.0  # between the request to end and the end
MARGIN_SECONDS = 10.0  # of a busy machine; none of them would end within minutes


def functions(arguments: str) -> str:
    """Return a file of all of them, each with these arguments for its schedule."""
    return SWALLOW + "".join(
        f"\n@schedule(timedelta(hours=1){arguments})\n"
        f"def {name}():\n    print('begun', flush=True)\n    {body}\n"
        for name, body in ENDLESS.items()
    )


def shells(service: Service) -> list[int]:
    """Return the shells and their children that still live."""
    return [pid for pid in service.living() if "sleep 607" in command_line(pid)]


def test_the_time_out_ends_every_endless_function_within_the_grace(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(worker_concurrency=len(ENDLESS))
    service.write("endless.py", functions(", timeout=timedelta(seconds=1)"))
    process = service.start("run")
    ended = service.wait_rows(
        "SELECT status, finished_at - started_at FROM run_logs WHERE finished_at IS NOT NULL",
        at_least=len(ENDLESS),
    )
    assert [status for status, _ in ended] == ["timeout"] * len(ENDLESS)
    assert max(seconds for _, seconds in ended) < 1 + GRACE_SECONDS + MARGIN_SECONDS
    assert shells(service) == []
    assert stop(process) == 0


def test_a_cancel_ends_every_endless_function_within_the_grace(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(worker_concurrency=len(ENDLESS))
    service.write("endless.py", functions(""))
    process = service.start("run")
    running = service.wait_rows(
        "SELECT id FROM run_logs WHERE output LIKE 'begun%'", at_least=len(ENDLESS)
    )
    for (run_id,) in running:
        assert service.run("cancel", str(run_id)).returncode == 0
    ended = service.wait_rows(
        "SELECT status, finished_at - cancel_requested_at FROM run_logs"
        " WHERE finished_at IS NOT NULL",
        at_least=len(ENDLESS),
    )
    assert [status for status, _ in ended] == ["cancelled"] * len(ENDLESS)
    assert max(seconds for _, seconds in ended) < GRACE_SECONDS + MARGIN_SECONDS
    wait_for(lambda: shells(service) == [], "the shells to be gone")
    assert stop(process) == 0
