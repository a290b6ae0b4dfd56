"""Until when a worker's code may run, and when it must be dead at the latest."""

from pathlib import Path

import pytest

from scheduler.config import Config
from scheduler.executor.lease import Lease
from scheduler.testing import SettableClock
from scheduler.worker import make_lease


def test_a_lease_lasts_from_the_heartbeat_that_renews_it() -> None:
    clock = SettableClock(monotonic=100.0)
    lease = Lease(8.0, clock)
    clock.advance(7.0)
    before = lease.now()
    assert lease.is_valid()
    clock.advance(2.0)
    assert not lease.is_valid()
    lease.renew(before)
    assert lease.remaining_seconds() == 6.0
    assert lease.fuse_at() == before + 10.0


def test_an_older_heartbeat_shortens_nothing() -> None:
    lease = Lease(8.0, SettableClock(monotonic=100.0))
    lease.renew(90.0)
    assert lease.remaining_seconds() == 8.0


def test_a_lease_for_ever_never_ends() -> None:
    lease = Lease(None, SettableClock())
    assert lease.is_valid()
    assert lease.remaining_seconds() == lease.fuse_at() == float("inf")


@pytest.mark.parametrize("url", [None, "postgresql://host/jobs"])
def test_it_runs_out_while_the_machine_sleeps_only_where_others_may_be_awake(
    url: str | None,
) -> None:
    here = Path("/nowhere")
    config = Config(path=None, scan_paths=(here,), db_path=here, queue_path=here, database_url=url)
    assert make_lease(config).counts_sleep == (url is not None)
