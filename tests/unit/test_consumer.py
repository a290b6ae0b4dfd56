"""Slots that died, on a system that gives no thread for a while."""

from pathlib import Path
from typing import Any

import pytest

from scheduler.clock import SystemClock
from scheduler.executor.lease import Lease
from scheduler.queue import open_queue
from scheduler.stopping import StopSignal
from scheduler.worker.consumer import RunConsumer
from scheduler.worker.lookout import Lookout
from tests.db.conftest import make_config


class Thread:
    """A thread that begins if the system lets it."""

    refusals = 0

    def __init__(self) -> None:
        self._is_alive = False

    def start(self) -> None:
        if Thread.refusals:
            Thread.refusals -= 1
            raise RuntimeError("can't start new thread")
        self._is_alive = True

    def is_alive(self) -> bool:
        return self._is_alive


def test_each_dead_slot_is_replaced_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Thread] = []

    def make_thread(*_: Any) -> Thread:
        made.append(Thread())
        return made[-1]

    monkeypatch.setattr(RunConsumer, "_create_process", make_thread)
    queue, stop = open_queue(make_config(tmp_path), "installation"), StopSignal()
    consumer = RunConsumer(
        queue,
        slots=3,
        lookout=Lookout(queue, stop, Lease(None, SystemClock())),
        help_out=lambda: None,
        stop=stop,
        pulse=lambda: 0.0,
    )
    monkeypatch.setattr(Thread, "refusals", 1)
    for _ in range(3):
        consumer.loop()
    slots = [thread for _, thread in consumer.worker_threads]

    assert len(slots) == 3
    assert [thread for thread in made if thread.is_alive()] == slots
    queue.storage.close()
