"""The soak calls flat what is flat, and growth what grows."""

from dataclasses import fields
from typing import Any

import pytest

from tests.bench.soak import SAMPLES, Sample, find_grown


def samples(**growing: float) -> list[Sample]:
    """Return samples that stand at 50, but for what grows by so much with each."""

    def at(number: int) -> Sample:
        values: dict[str, Any] = {
            field.name: 50 + growing.get(field.name, 0) * number for field in fields(Sample)
        }
        return Sample(**values)

    return [at(number) for number in range(SAMPLES)]


def test_what_stands_still_is_flat() -> None:
    assert find_grown(samples()) == []


@pytest.mark.parametrize("name", ["worker_mb", "fds", "threads", "wal_mb", "rows"])
def test_what_grows_is_named(name: str) -> None:
    assert find_grown(samples(**{name: 1})) == [name]


def test_the_clock_and_the_newest_run_may_grow() -> None:
    assert find_grown(samples(minute=1, newest=100)) == []
