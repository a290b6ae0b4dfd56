"""A rehearsal is what it says: calls that are executed, and succeed, before there are any."""

import sys
from typing import Any

from scheduler.runner.isolation import measure
from scheduler.runner.rehearsal import rehearse
from tests.descriptors import open_descriptors


def test_a_rehearsal_executes_calls_that_succeed_and_leaves_nothing_behind() -> None:
    modules, descriptors = set(sys.modules), open_descriptors()
    answers: list[dict[str, Any]] = []

    def answer(call: dict[str, Any], find: Any) -> dict[str, Any]:
        answers.append(measure(call, find))
        return answers[-1]

    rehearse(answer)
    assert len(answers) > 1
    assert {told["ended"] for told in answers} == {"success"}
    assert set(sys.modules) == modules
    assert open_descriptors() <= descriptors
