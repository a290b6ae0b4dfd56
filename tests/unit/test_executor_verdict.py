"""Who decides the verdict of a run, and what it says."""

from typing import Any

import pytest

from scheduler.executor.call import Outcome
from scheduler.executor.child import Exit
from scheduler.executor.control import Asked
from scheduler.executor.verdict import Ending, decide
from scheduler.runner.exits import EXIT_TERMINATED_IDLE, EXIT_UNFORKED

SUCCESS = {"ended": "success", "result": "1", "peak_rss_bytes": 10, "cpu_seconds": 0.5}
ERROR = {"ended": "error", "error_type": "E", "error_message": "m", "traceback": "t"}
TERMINATED = {**ERROR, "ended": "terminated", "traceback": "where it was"}
ENDED = Exit(exit_code=0, cpu_total_seconds=3.0, peak_rss_bytes=20)


def verdict(**facts: Any) -> Outcome:
    none: dict[str, Any] = {"asked": None, "answer": None, "exit": None, "stack": None}
    rest: dict[str, Any] = {"output": "out", "output_bytes": 3, "cpu_before_seconds": 1.0}
    return decide(Ending(**{**none, **rest, **facts}))


@pytest.mark.parametrize("answer", [SUCCESS, ERROR, TERMINATED, None])
@pytest.mark.parametrize("status", ["timeout", "cancelled", "lost"])
def test_who_asked_for_the_end_decides_the_status(
    status: str, answer: dict[str, Any] | None
) -> None:
    outcome = verdict(asked=Asked(status, "why"), answer=answer, exit=ENDED)
    assert outcome.status == status
    assert (outcome.reason or "").startswith("why")
    assert outcome.result is None


def test_an_error_while_cleaning_up_is_told_with_the_time_out() -> None:
    assert verdict(asked=Asked("timeout"), answer=ERROR).error_type == "E"


def test_the_request_to_end_is_not_the_functions_error() -> None:
    outcome = verdict(asked=Asked("timeout"), answer=TERMINATED)
    assert (outcome.error_type, outcome.traceback) == (None, "where it was")


def test_a_killed_run_shows_the_stack_it_had_when_its_end_was_asked_for() -> None:
    outcome = verdict(asked=Asked("timeout", "late"), exit=Exit(signal=9), stack="the stack")
    assert outcome.traceback == "the stack"
    assert outcome.reason == "late; it did not end by itself and was killed"


def test_a_run_whose_end_was_asked_for_before_it_began_was_not_killed() -> None:
    asked, end = Asked("cancelled"), Exit(exit_code=EXIT_TERMINATED_IDLE)
    assert verdict(asked=asked, exit=end).reason == "it had not begun"


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (Exit(exit_code=0), "error"),
        (Exit(exit_code=1), "error"),
        (Exit(signal=11), "error"),
        (Exit(signal=6), "error"),
        (Exit(signal=35), "error"),
        (Exit(signal=9), "lost"),
        (Exit(signal=15), "lost"),
        (Exit(signal=9, cause="lease"), "lost"),
        (Exit(signal=9, cause="stop"), "lost"),
        (Exit(exit_code=114), "lost"),
        (Exit(exit_code=EXIT_UNFORKED), "lost"),
        (Exit(), "lost"),
    ],
)
def test_a_death_without_an_answer_is_an_error_if_the_code_did_it(end: Exit, status: str) -> None:
    outcome = verdict(exit=end)
    assert outcome.status == status
    assert outcome.reason or outcome.error_message


@pytest.mark.parametrize("how", [{"exit_code": 3}, {"signal": 11}, {"signal": 9}])
def test_a_stem_tells_of_a_death_what_a_zygote_does(how: dict[str, Any]) -> None:
    told = verdict(answer={"ended": "died", "peak_rss_bytes": 20, "cpu_seconds": 2.0, **how})
    assert told == verdict(exit=Exit(cpu_total_seconds=3.0, peak_rss_bytes=20, **how))


def test_the_output_is_kept_whatever_happened() -> None:
    for facts in ({"exit": Exit()}, {"answer": SUCCESS}, {"asked": Asked("lost")}):
        assert (verdict(**facts).output, verdict(**facts).output_bytes) == ("out", 3)


def test_the_cpu_time_of_the_dead_is_that_of_their_last_run() -> None:
    assert verdict(exit=ENDED).cpu_seconds == 2.0
    assert verdict(answer=SUCCESS, exit=ENDED).cpu_seconds == 0.5


def test_a_term_nobody_of_us_sent_is_a_loss() -> None:
    outcome = verdict(answer=TERMINATED)
    assert (outcome.status, outcome.error_type) == ("lost", None)
    assert "SIGTERM" in (outcome.reason or "")


def test_a_replaced_executor_is_the_reason_of_a_success_and_of_an_error() -> None:
    for answer in (SUCCESS, ERROR):
        outcome = verdict(answer={**answer, "replace": "the umask was changed"})
        assert outcome.reason == "executor replaced: the umask was changed"
