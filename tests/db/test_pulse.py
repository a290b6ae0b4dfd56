"""A worker's heartbeat: how long it leaves executors to live."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from scheduler.config import Config
from scheduler.errors import DatabaseUnavailableError
from scheduler.executor.lease import Lease
from scheduler.testing import SettableClock
from scheduler.worker.pulse import Pulse

LEASE_SECONDS = 9.0


class Bench:
    """A pulse whose heartbeats take as long as they are told to, one after another."""

    def __init__(self, config: Config, *takes_seconds: float) -> None:
        self.clock = SettableClock()
        self.lease = Lease(LEASE_SECONDS, self.clock)
        self.beats = 0
        self.fault: Exception | None = None
        self._takes = [*takes_seconds]
        nothing: Any = SimpleNamespace(
            id="w", name="w", tally=None, controls=dict, busy=0, look=lambda: True
        )
        nothing.beat = self._beat
        nothing.lease, nothing.ping = self.lease, self.lease.renew
        for name in ("check", "prepare", "send_now", "ring_if_waiting", "hand_back"):
            setattr(nothing, name, lambda *_, **__: None)
        self.pulse = Pulse(
            config,
            presence=nothing,
            surroundings=nothing,
            pool=nothing,
            slots=nothing,
            queue=nothing,
            clock=self.clock,
        )

    def _beat(self, _detail: str) -> bool:
        self.beats += 1
        if self.fault is not None:
            raise self.fault
        self.clock.advance(self._takes.pop(0))
        return True


@pytest.mark.parametrize("waited_seconds", [3, 8.9, 20])
def test_after_a_heartbeat_that_had_to_wait_the_lease_is_as_long_as_ever(
    database: Config, waited_seconds: float
) -> None:
    bench = Bench(database, waited_seconds, 0.01)
    bench.pulse()
    assert bench.beats == 2
    assert bench.lease.remaining_seconds() > LEASE_SECONDS - 0.1


def test_a_heartbeat_in_time_is_followed_by_none(database: Config) -> None:
    bench = Bench(database, 0.01)
    bench.pulse()
    assert bench.beats == 1


@pytest.mark.parametrize(("heartbeat_seconds", "seconds"), [(0.1, 0.1), (0.7, 0.7), (2.0, 1.0)])
def test_the_next_call_is_not_later_than_the_next_heartbeat(
    database: Config, heartbeat_seconds: float, seconds: float
) -> None:
    bench = Bench(replace(database, heartbeat_seconds=heartbeat_seconds), 0.0)
    assert bench.pulse() == pytest.approx(seconds)


def test_after_a_heartbeat_that_failed_the_next_call_comes_in_its_time(database: Config) -> None:
    bench = Bench(replace(database, heartbeat_seconds=0.1))
    bench.fault = DatabaseUnavailableError()
    assert bench.pulse() == pytest.approx(0.1)
