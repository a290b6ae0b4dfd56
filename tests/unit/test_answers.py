"""What the worker takes for an answer of an executor, and what it does not."""

import json
from typing import Any

import pytest

from scheduler.executor.answers import parse

ENDED: dict[str, Any] = {
    "ended": "error",
    "error_type": "ValueError",
    "error_message": "no",
    "traceback": None,
    "began_at": 1.5,
    "ended_at": 2,
    "cpu_seconds": 0.5,
    "cpu_total_seconds": 1.5,
    "peak_rss_bytes": 4096,
    "run_id": 7,
    "source_hash": "ab",
}


def line(message: Any) -> bytes:
    return json.dumps(message).encode()


def test_what_an_executor_says_is_taken_as_it_is() -> None:
    messages = [{"ready": True}, {"loaded": 2}, {"stale": "a.py"}, ENDED]

    assert parse([line(message) for message in messages]) == messages


@pytest.mark.parametrize(
    "spoilt",
    [
        b"garbage",
        b"\xff",
        b"[" * 100_000,
        b"3",
        b"{}",
        line({"unknown": 1}),
        line({"ended": "success"}),
        line(ENDED | {"cpu_total_seconds": "1"}),
        line(ENDED | {"began_at": "now"}),
        line(ENDED | {"ended": None}),
        line(ENDED | {"ended": "queued"}),
        line(ENDED | {"ended": "died"}),
        line(ENDED | {"ended": "died", "signal": 0}),
        line(ENDED | {"ended": "died", "signal": 65}),
        line(ENDED | {"exit_code": -1}),
        line(ENDED | {"peak_rss_bytes": -1}),
        line({"stale": 3}),
        line(ENDED | {"exit_code": 10**30}),
        line(ENDED | {"ended_at": float("nan")}),
        line(ENDED | {"cpu_seconds": float("inf")}),
        line(ENDED | {"result": "\ud800"}),
        line(ENDED | {"result": "\0"}),
    ],
)
def test_anything_else_is_nothing_and_costs_no_answer(spoilt: bytes) -> None:
    assert parse([spoilt, line(ENDED)]) == [None, ENDED]


def test_an_answer_is_found_behind_what_was_written_in_front_of_it() -> None:
    assert parse([b"x" + line(ENDED)]) == [None, ENDED]
