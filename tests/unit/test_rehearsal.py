"""A rehearsal is what it says: calls that are executed, and succeed, before there are any."""

import os
import sys
from typing import Any

from scheduler.runner.isolation import measure
from scheduler.runner.rehearsal import rehearse


def test_a_rehearsal_executes_calls_that_succeed_and_leaves_nothing_behind() -> None:
    modules, fds = set(sys.modules), len(os.listdir("/proc/self/fd"))
    answers: list[dict[str, Any]] = []

    def answer(call: dict[str, Any], find: Any) -> dict[str, Any]:
        answers.append(measure(call, find))
        return answers[-1]

    rehearse(answer)
    assert len(answers) > 1
    assert {told["ended"] for told in answers} == {"success"}
    assert set(sys.modules) == modules
    assert len(os.listdir("/proc/self/fd")) == fds
