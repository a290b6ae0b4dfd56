"""Two hosts with a ticker and a worker each, around PostgreSQL and Redis on a third one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.process.backends import Backend
from tests.process.hosts import Host, Network, two_hosts
from tests.process.servers import PostgresServer, RedisServer
from tests.process.service import Service, stop, wait_for
from tests.process.slots import gapless

SHORT = {"heartbeat_seconds": 0.5, "dead_after_seconds": 3, "shutdown_grace_seconds": 5}
LONG = """
@schedule(timedelta(hours=1), retries=1, retry_delay=timedelta(seconds=0.1))
def long():
    attempt = current_run().attempt
    print("on", os.uname().nodename, flush=True)
    if attempt == 1:
        time.sleep(20)
    with open({marks!r}, "a") as marks:
        print(attempt, file=marks)
    return os.uname().nodename

@schedule(timedelta(seconds=0.5))
def often():
    pass
"""
WHERE = """
@schedule(timedelta(seconds=0.2))
def where():
    return os.uname().nodename
"""
ALIVE = "SELECT host FROM processes WHERE role = ? AND state = 'running' ORDER BY host"


class HostedService(Service):
    """A service whose commands run on one host; every host has a folder and a mount of its own."""

    def __init__(self, folder: Path, backend: Backend, host: Host, **keys: Any) -> None:
        super().__init__(folder, backend, **keys)
        self._host = host

    def command(self, *arguments: str) -> list[str]:
        return self._host.command(super().command(*arguments))


@pytest.fixture
def network() -> Iterator[tuple[Network, Host, Host]]:
    """Yield two hosts and the network between them and the servers."""
    with two_hosts() as made:
        yield made


@pytest.fixture
def backend(network: tuple[Network, Host, Host]) -> Iterator[Backend]:
    """Yield PostgreSQL and Redis of the test's own, which both hosts can reach."""
    address = network[0].address
    postgres, redis = PostgresServer(address), RedisServer(address)
    postgres.start()
    try:
        redis.start()
        yield Backend(postgres.url, redis.url)
    finally:
        redis.kill()
        postgres.close()


@pytest.fixture
def make_host(tmp_path: Path, backend: Backend) -> Iterator[Callable[..., HostedService]]:
    """Return what makes a service on a host; all of them end with the test."""
    made: list[HostedService] = []

    def make(host: Host, **keys: Any) -> HostedService:
        folder = tmp_path / f"mount-of-{host.name}"
        folder.mkdir()
        made.append(HostedService(folder, backend, host, **SHORT, **keys))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.mark.full(sample=1)
def test_a_host_that_is_cut_off_is_declared_dead_and_its_late_results_are_refused(
    network: tuple[Network, Host, Host], make_host: Callable[..., HostedService]
) -> None:
    _, *hosts = network
    services = {host.name: make_host(host) for host in hosts}
    marks = next(iter(services.values())).folder / "marks"
    processes = {}
    for name, service in services.items():
        service.write("work.py", LONG.format(marks=str(marks)))
        processes[name] = [service.start("ticker"), service.start("worker")]
    one = services[hosts[0].name]
    wait_for(lambda: len(one.rows(ALIVE, "worker")) == 2, "two workers")
    wait_for(lambda: len(one.rows(ALIVE, "ticker")) == 2, "two tickers")
    ((first, output),) = one.wait_rows(
        "SELECT id, output FROM run_logs WHERE status = 'running' AND output LIKE 'on host%'"
    )
    cut, left = sorted(hosts, key=lambda host: host.name not in output)
    cut.cut_off()

    ((status, reason),) = one.wait_rows(
        "SELECT status, reason FROM run_logs WHERE id = ? AND status != 'running'", first
    )
    assert status == "lost"
    assert reason.endswith(f"on {cut.name}): no heartbeat for 2.4 s")
    ((second, result),) = one.wait_rows(
        "SELECT attempt, result FROM run_logs WHERE root_id = ? AND status = 'success'", first
    )
    assert (second, result) == (2, repr(left.name))
    wait_for(lambda: one.rows(ALIVE, "ticker") == [(left.name,)], "one ticker")
    wait_for(lambda: one.rows(ALIVE, "worker") == [(left.name,)], "one worker")

    cut.reconnect()
    for role in ("ticker", "worker"):
        one.wait_rows(ALIVE, role, at_least=2)
    after = one.rows("SELECT COUNT(*) FROM run_logs WHERE status = 'success'")[0][0]
    one.wait_rows("SELECT 1 FROM run_logs WHERE status = 'success'", at_least=after + 5)
    for name in services:
        assert [stop(process) for process in reversed(processes[name])] == [0, 0]
    assert one.rows("SELECT status FROM run_logs WHERE id = ?", first) == [("lost",)]
    assert marks.read_text() == "2\n", "the old code went on after the verdict"
    gapless(one, "work.often", 0.5)


@pytest.mark.full(sample=1)
def test_hosts_may_mount_their_functions_elsewhere_and_what_differs_is_told(
    network: tuple[Network, Host, Host], make_host: Callable[..., HostedService]
) -> None:
    _, *hosts = network
    here, there = (make_host(host, scan_interval_seconds=0.5) for host in hosts)
    for service in (here, there):
        service.write("same.py", WHERE)
    here.write("lacking.py", WHERE)
    here.write("other.py", WHERE)
    there.write("other.py", WHERE + "# an older one\n")
    ticker, worker = here.start("ticker"), there.start("worker")

    results = (
        "SELECT r.result, r.status, r.error_message, r.source_hash = f.source_hash FROM run_logs r "
        "JOIN scheduled_functions f ON f.id = r.function_id WHERE f.name = ? "
        "AND r.status IN ('success', 'error') ORDER BY r.id"
    )
    assert here.wait_rows(results, "same.where")[0] == ("'host-2'", "success", None, True)
    assert here.wait_rows(results, "other.where")[0] == ("'host-2'", "success", None, False)
    _, status, error, _ = here.wait_rows(results, "lacking.where")[0]
    missing = there.functions / "lacking.py"
    assert (status, error) == ("error", f"{missing} does not exist on host-2")
    warning = f"worker host-2:{worker.pid} runs another version of other.where than the scan saw"
    wait_for(lambda: warning in here.run("status").stdout, "the warning")

    there.write("other.py", WHERE)
    wait_for(lambda: "another version" not in here.run("status").stdout, "the end of the warning")
    assert stop(worker) == stop(ticker) == 0
