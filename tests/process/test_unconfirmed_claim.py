"""A connection that breaks after a claim's commit, before its answer."""

import pytest

from tests.process.backends import Backend
from tests.process.proxies import breaking_after
from tests.process.service import Service, stop, wait_for

ONCE = """
@schedule(timedelta(hours=1))
def once():
    with open(os.path.join(os.path.dirname(__file__), "journal"), "a") as journal:
        print(current_run().run_id, file=journal)
"""


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_a_claim_that_nobody_confirmed_is_no_lost_run(service: Service, backend: Backend) -> None:
    service.write("file.py", ONCE)
    url = str(backend.keys()["database_url"])
    with breaking_after(url, b"status = 'running', started_at") as proxy:
        ticker = service.start("ticker")
        service.wait_rows("SELECT 1 FROM run_logs")
        worker = service.start("worker", SCHEDULER_DATABASE_URL=proxy.url)
        wait_for(lambda: proxy.has_broken, lambda: f"the claim; log:\n{service.read_log()}")
        service.wait_rows("SELECT 1 FROM run_logs WHERE finished_at IS NOT NULL")
        assert [stop(worker), stop(ticker)] == [0, 0]
    assert service.rows("SELECT id, attempt, status FROM run_logs") == [(1, 1, "success")]
    assert (service.functions / "journal").read_text() == "1\n"
