"""Metrics as Prometheus gets them: from the ticker's port, and printed."""

import subprocess
import urllib.request
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from tests.needs import need
from tests.process.backends import ALL_BACKENDS
from tests.process.servers import free_port
from tests.process.service import Service, stop, wait_for
from tests.process.test_service import EVERY_SECOND

pytestmark = ALL_BACKENDS
DONE = "SELECT 1 FROM run_logs WHERE status = 'success'"


def fetch(port: int) -> str:
    """Return what the port serves."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return str(answer.read().decode())


def assert_valid(text: str) -> None:
    """Assert that Prometheus's library and its own tool accept a text."""
    families = list(text_string_to_metric_families(text))
    assert all(family.type != "unknown" and family.documentation for family in families)
    command = [need("promtool"), "check", "metrics"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def value(text: str, sample: str) -> float:
    """Return the value of a sample, written as the text has it; 0 where it is not there."""
    lines = (line.rpartition(" ") for line in text.splitlines())
    return next((float(number) for name, _, number in lines if name == sample), 0.0)


def test_the_ticker_serves_and_the_command_prints_what_prometheus_accepts(
    make_service: Callable[..., Service],
) -> None:
    port = free_port()
    service = make_service(metrics_port=port, heartbeat_seconds=0.5, dead_after_seconds=3)
    service.write("clock.py", EVERY_SECOND)
    process = service.start("run")
    service.wait_rows(DONE)
    total = 'scheduler_runs_total{function="clock.tick",status="success"}'
    wait_for(lambda: "metrics.served" in service.read_log(), "the port")
    first = value(fetch(port), total)
    wait_for(lambda: value(fetch(port), total) >= first + 2, "the counter to rise")

    served, printed = fetch(port), service.run("metrics").stdout

    for text in (served, printed):
        assert_valid(text)
        assert value(text, 'scheduler_processes_alive{role="worker"}') == 1
        assert value(text, "scheduler_worker_slots") == 2
        assert value(text, total) >= 2
        assert value(text, "scheduler_run_lateness_seconds_count") >= 2
        assert 0 <= value(text, "scheduler_seconds_since_last_tick") < 60
    assert stop(process) == 0


def test_of_two_tickers_with_one_port_the_second_works_without_it(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(metrics_port=free_port(), heartbeat_seconds=0.5, dead_after_seconds=3)
    first = service.start("ticker")
    wait_for(lambda: "metrics.served" in service.read_log(), "the port")
    second = service.start("ticker")
    wait_for(lambda: "metrics.unserved" in service.read_log(), "the word about it")
    assert len(service.wait_rows("SELECT 1 FROM processes WHERE role = 'ticker'", at_least=2)) == 2
    assert stop(second) == stop(first) == 0
