"""The pure model: which columns, which words, which problems; no screen and no database."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scheduler.db.console_rows import (
    FunctionDetails,
    FunctionRow,
    Mark,
    Overview,
    ProcessRow,
    Queued,
    RunRow,
    ScanRow,
)
from scheduler.db.deviation import Deviation
from scheduler.tui.glyphs import UNICODE
from scheduler.tui.look import Look
from scheduler.tui.model.board import SORTS, Board, Entry
from scheduler.tui.model.columns import columns
from scheduler.tui.model.drawn import DrawnLines
from scheduler.tui.model.function_facts import fire_times
from scheduler.tui.model.functions import heading, history, last_run, next_run
from scheduler.tui.model.problems import problems
from scheduler.tui.model.runs import outcome, run_line
from scheduler.tui.model.states import FAIL, GONE, LATE, LOST, NEW, OFF, OK, RUNNING, TIME, WAIT
from scheduler.tui.text import line_width
from tests.tui.seed import make_config
from tests.tui.stage import NOW

LOOK = Look(NOW, make_config(Path("/nowhere")))


def function(**changes: Any) -> FunctionRow:
    fields: dict[str, Any] = {
        "id": 1, "name": "billing.send", "scan_path": "/jobs", "module_path": "billing.py",
        "line": 7, "interval_seconds": 60.0, "cron": None, "grace_seconds": None,
        "last_seen_at": NOW - 60, "enabled": True, "state": "active", "next_run_at": NOW + 30,
        "last_status": "success", "last_started_at": NOW - 30, "last_duration_seconds": 0.808,
        "consecutive_failures": 0,
    }  # fmt: skip
    return FunctionRow(**{**fields, **changes})


def details(anchor_at: float) -> FunctionDetails:
    return FunctionDetails(
        "", anchor_at, None, None, 0.0, "latest", "skip", None, 0, 0, False, None
    )


def run(**changes: Any) -> RunRow:
    fields: dict[str, Any] = {
        "id": 9, "function_id": 1, "status": "running", "trigger": "schedule", "attempt": 1,
        "slots": 1, "scheduled_for": NOW - 28.1, "covers_from": NOW - 28.1,
        "queued_at": NOW - 28.05, "available_at": NOW - 28.05, "started_at": NOW - 28,
        "finished_at": None, "claimed_by": "w-1", "error_type": None,
        "error_message": None, "reason": None,
        "cancel_requested_at": None,
    }  # fmt: skip
    return RunRow(**{**fields, **changes})


def board(*functions: FunctionRow, **parts: Any) -> Board:
    by_name = tuple(sorted(functions, key=lambda function: function.name))
    return Board(Overview(NOW, functions=by_name, **parts), LOOK)


def entry(row: FunctionRow, *runs: RunRow, queued: Queued | None = None) -> Entry:
    made = board(row, running=runs, queued={row.id: queued} if queued else {})
    return made.entries[row.id]


def text(line: list[tuple[str | None, str]]) -> str:
    return "".join(part for _, part in line)


@pytest.mark.parametrize("width", range(1, 260))
def test_the_columns_fill_any_width_and_never_more_than_it(width: int) -> None:
    table = columns(width, longest_name=30, longest_file=25)
    names = [column.name for column in table]
    assert names[:2] == ["STATE", "FUNCTION"]
    assert "NEXT RUN" in names
    end = table[-1].x + table[-1].width
    assert end == max(width, 23)
    (row,) = DrawnLines().of([(entry(function()), ())], table, LOOK)
    assert line_width(row) == end
    assert line_width(heading(table, SORTS[0], LOOK, is_reversed=False)) == end


def test_columns_go_in_the_order_of_their_worth() -> None:
    order = []
    before: set[str] = set()
    for width in range(200, 20, -1):
        table = columns(width, longest_name=30, longest_file=25)
        now = {column.title for column in table}
        order += sorted(before - now)
        before = now
    assert order == ["LAST ERROR", "LAST 16 RUNS", "FILE", "LAST RUN", "RUNS", "TOOK", "EVERY"]


def test_the_last_error_comes_with_150_columns() -> None:
    def has_error(width: int) -> bool:
        table = columns(width - 2, longest_name=30, longest_file=25)
        return table[-1].name == "LAST ERROR"

    assert has_error(152)
    assert not has_error(149)


@pytest.mark.parametrize(
    ("row", "runs", "state"),
    [
        (function(), (), OK),
        (function(last_status="error"), (), FAIL),
        (function(last_status="timeout"), (), TIME),
        (function(last_status="lost"), (), LOST),
        (function(last_status="error"), (run(),), FAIL),
        (function(), (run(),), RUNNING),
        (function(next_run_at=NOW - 20), (), LATE),
        (function(next_run_at=NOW - 20), (run(),), RUNNING),
        (function(next_run_at=NOW - 4), (), OK),
        (function(next_run_at=NOW - 20, grace_seconds=60), (), OK),
        (function(last_status=None, last_started_at=None), (), NEW),
        (function(state="paused", last_status="error"), (), OFF),
        (function(enabled=False), (), OFF),
        (function(state="gone", last_status="error"), (), GONE),
        (function(state="paused", next_run_at=NOW - 900), (), OFF),
    ],
)
def test_the_state_of_a_function_is_what_matters_most(
    row: FunctionRow, runs: tuple[RunRow, ...], state: object
) -> None:
    assert entry(row, *runs).state is state


def test_a_queued_function_waits_and_is_not_late() -> None:
    queued = Queued(1, 1, NOW - 3)
    waiting = entry(function(next_run_at=NOW - 100), queued=queued)
    assert waiting.state is WAIT
    assert next_run(waiting, LOOK) == ("run", "waits 3s")


@pytest.mark.parametrize(
    ("row", "runs", "cell"),
    [
        (function(next_run_at=NOW + 59.9), (), (None, "in 59s")),
        (function(next_run_at=NOW + 8), (), ("soon", "in 8s")),
        (function(next_run_at=NOW), (), ("soon", "due")),
        (function(next_run_at=NOW - 190.9), (), ("warn", "3m 10s late")),
        (function(next_run_at=NOW + 3599.9), (), (None, "in 59m 59s")),
        (function(next_run_at=None), (), ("dim", "-")),
        (function(state="paused"), (), ("off", "paused")),
        (function(enabled=False), (), ("off", "disabled")),
        (function(), (run(),), ("run", "for 28s")),
        (function(), (run(started_at=NOW + 5),), ("run", "for 0s")),
    ],
)
def test_the_next_run_is_told_in_few_words_that_floor(
    row: FunctionRow, runs: tuple[RunRow, ...], cell: tuple[str | None, str]
) -> None:
    assert next_run(entry(row, *runs), LOOK) == cell


def test_clock_times_replace_the_relative_ones() -> None:
    look = replace(LOOK, clock=True)
    assert next_run(entry(function()), look) == (None, "08:00:30")
    assert last_run(entry(function()), look) == "07:59:30"
    assert look.moment(NOW + 90000) == "01-16 09:00"


@pytest.mark.parametrize(
    ("ago", "said"),
    [(3600, "07:00:00"), (71999, "12:00:01"), (90000, "Th 07:00"), (7 * 86400, "27-01-08")],
)
def test_the_time_of_a_run_takes_eight_columns_however_long_ago(ago: float, said: str) -> None:
    assert LOOK.time(NOW - ago) == said
    assert len(said) == 8


def test_a_time_out_of_all_calendars_is_a_question_mark() -> None:
    assert LOOK.exactly(1e20).startswith("?")


def _marks(*statuses: str) -> list[Mark]:
    return [
        Mark(status, NOW, NOW + index, None, None, None) for index, status in enumerate(statuses)
    ]


def test_a_history_has_bars_for_successes_and_signs_for_the_rest() -> None:
    runs = history(_marks("success", "success", "error", "lost", "skipped", "missed"), 8, LOOK)
    assert runs == [
        ("history", "▁▅"), ("fail", "✗✗"), ("dim", "-"), ("warn", "!"), (None, "  "),
    ]  # fmt: skip


def test_a_history_keeps_the_newest_when_it_is_narrow() -> None:
    assert text(history(_marks("error", "success", "success"), 2, LOOK)) == "▄▅"


def test_a_run_names_its_lateness_in_as_many_words_as_there_is_room() -> None:
    done = run(status="success", finished_at=NOW - 27)
    assert outcome(done, LOOK, room=60) == [("dim", "late 100ms = tick 50ms + queue 50ms")]
    assert outcome(done, LOOK, room=25) == [("dim", "tick 50ms + queue 50ms")]
    assert outcome(done, LOOK, room=12) == [("dim", "late 100ms")]


def test_the_time_a_run_was_held_is_told_apart_from_the_queue() -> None:
    done = run(status="success", available_at=NOW - 28.02, finished_at=NOW - 27)
    said = "late 100ms = tick 50ms + held 30ms + queue 20ms"
    assert outcome(done, LOOK, room=60) == [("dim", said)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "skipped", "reason": "still running", "slots": 12}, "still running  12 slots"),
        ({"status": "lost", "reason": "killed by signal 9 (SIGKILL)"},
         "killed by signal 9 (SIGKILL)"),
        ({"status": "missed", "reason": "outside the grace"}, "outside the grace"),
        ({"status": "queued", "available_at": None}, "held until the run before it ends"),
        ({"status": "queued", "available_at": NOW + 9.9, "attempt": 2}, "retry in 9s"),
        ({"status": "queued", "available_at": NOW + 9.9}, "starts in 9s"),
        ({"status": "queued", "available_at": NOW - 3}, "starting 3s"),
        ({"status": "queued", "available_at": NOW - 3, "claimed_by": None}, "waits 3s"),
        (
            {"status": "queued", "available_at": NOW - 45, "queued_at": NOW - 2},
            "starting 2s",
        ),
        ({"cancel_requested_at": NOW - 1}, "for 28s, asked to stop"),
        ({"status": "error", "error_type": "ValueError", "error_message": "no\nway"},
         "ValueError: no way"),
    ],
)  # fmt: skip
def test_a_run_says_why_it_is_as_it_is(changes: dict[str, Any], said: str) -> None:
    assert text(outcome(run(**changes), LOOK)) == said


@pytest.mark.parametrize(("attempt", "said"), [(1, "starts in 9s"), (2, "retry in 9s")])
def test_a_function_that_waits_for_its_time_says_whether_that_is_a_retry(
    attempt: int, said: str
) -> None:
    waiting = entry(function(), queued=Queued(1, 0, NOW + 9, attempt))
    assert next_run(waiting, LOOK) == ("run", said)


def test_a_run_that_never_started_tells_its_reason_below_what_others_say() -> None:
    skipped = run(status="skipped", started_at=None, finished_at=NOW, reason="still going")
    done = run(status="success", finished_at=NOW)
    wide, other = (text(run_line(row, board(function()), LOOK, 100)) for row in (skipped, done))
    assert wide.index("still going") == other.index("late ")
    narrow = text(run_line(skipped, board(function()), LOOK, 50))
    assert narrow.index("still going") < wide.index("still going")


def test_a_later_attempt_and_a_run_by_hand_are_marked() -> None:
    retry = run(status="success", attempt=3, trigger="manual", finished_at=NOW)
    assert "attempt 3  by hand" in text(run_line(retry, board(function()), LOOK, 120))


def test_orders_break_ties_by_name_in_both_directions() -> None:
    rows = [function(id=n, name=name) for n, name in enumerate("cab")]
    made = board(*rows)
    assert made.ordered(SORTS[4], is_reversed=False) == [1, 2, 0]
    assert made.ordered(SORTS[4], is_reversed=True) == [1, 2, 0]
    assert made.ordered(SORTS[1], is_reversed=True) == [0, 2, 1]


def process(role: str, *, silent: float = 0.5, state: str = "running", number: int = 1) -> Any:
    return ProcessRow(
        f"{number:06}-{role}", role, "host", 7, NOW - 99, NOW - silent, 2, state, None
    )


HEALTHY = Overview(
    NOW,
    processes=(process("ticker"), process("worker")),
    last_scan=ScanRow(NOW - 13, NOW - 12, 3, 3, 0),
)


def _problems(overview: Overview, disk_free: float | None = 0.5) -> list[str]:
    found = problems(overview, Board(overview, LOOK), LOOK, disk_free=disk_free)
    return [problem.text for problem in found]


def test_a_healthy_service_has_no_problems() -> None:
    assert _problems(HEALTHY) == []


def test_the_worst_problem_comes_first() -> None:
    sick = replace(
        HEALTHY,
        processes=(process("worker", silent=30),),
        last_scan=ScanRow(NOW - 301, NOW - 300, 3, 3, 0),
    )
    assert _problems(sick, disk_free=0.02) == [
        "no process shows that it lives",
        "the database's disk is nearly full: 2.0% free",
        "no scan for 5m 00s",
    ]


@pytest.mark.parametrize(
    ("processes", "said"),
    [
        ((), "the service is not running"),
        ((process("worker", state="lost", silent=60),), "the service is not running"),
        # It was killed, or waits for a file that somebody keeps locked.
        ((process("ticker", silent=30), process("worker", silent=30)), "no process shows that it"),
    ],
)
def test_a_second_service_is_advised_only_where_none_may_be_running(
    processes: Any, said: str
) -> None:
    (problem,) = _problems(replace(HEALTHY, processes=processes))
    assert problem.startswith(said)


def test_who_is_silent_or_late_is_judged_by_when_somebody_looked() -> None:
    long_ago = replace(LOOK, now=NOW + 3600, checked_at=NOW)
    assert problems(HEALTHY, Board(HEALTHY, long_ago), long_ago) == []
    (due,) = Board(Overview(NOW, functions=(function(next_run_at=NOW),)), long_ago).entries.values()
    assert due.state is not LATE


def test_on_a_full_disk_silence_says_nothing_and_nobody_is_told_to_start_another_service() -> None:
    silent = replace(
        HEALTHY,
        processes=(process("ticker", silent=30), process("worker", silent=30)),
        last_scan=ScanRow(NOW - 301, NOW - 300, 3, 3, 0),
    )
    assert _problems(silent, disk_free=0.0) == [
        "the database's disk is full: nobody can record anything, nor show that he lives"
    ]


@pytest.mark.parametrize(
    ("processes", "said"),
    [
        ((process("worker"),), "no ticker is alive: nothing becomes due"),
        ((process("ticker"),), "no worker is alive: nothing runs"),
        ((process("ticker", silent=7), process("worker")), "the ticker is silent for 7s"),
        ((process("ticker"), process("worker"), process("worker", silent=60, number=2)),
         "worker 000002 lost, silent 1m 00s"),
        ((process("ticker"), process("worker"), process("worker", state="lost", number=2)),
         "worker 000002 lost, silent 0s"),
    ],
)  # fmt: skip
def test_a_process_that_is_away_is_a_problem(processes: Any, said: str) -> None:
    assert _problems(replace(HEALTHY, processes=processes)) == [said]


def test_a_lost_worker_that_was_replaced_is_no_problem() -> None:
    lost = process("worker", silent=60, number=2)
    since = replace(process("worker", number=3), started_at=NOW - 59)
    assert _problems(replace(HEALTHY, processes=(process("ticker"), lost, since))) == []


def test_a_growing_queue_is_a_problem_with_its_age() -> None:
    going = run(started_at=NOW - 1, claimed_by="000001-worker")
    waiting = replace(
        HEALTHY,
        running=(going, going._replace(id=10)),
        queued={1: Queued(9, 7, NOW - 125), 2: Queued(1, 0, None)},
    )
    assert _problems(waiting) == ["7 runs wait for a free slot, the oldest for 2m 05s"]


def test_a_queue_that_nobody_empties_although_slots_are_free_is_no_lack_of_workers() -> None:
    waiting = replace(HEALTHY, queued={1: Queued(9, 7, NOW - 6)})
    (found,) = problems(waiting, Board(waiting, LOOK), LOOK)
    assert found.text == "7 runs wait although 2 slots are free, the oldest for 6s"
    assert found.remedy == "scheduler check tells whether the queue can be reached"


def test_a_long_run_that_holds_all_slots_while_others_wait_is_a_problem_with_its_number() -> None:
    hog = run(started_at=NOW - 60, claimed_by="000001-worker")
    held = replace(
        HEALTHY,
        functions=(function(next_run_at=NOW + 60, last_started_at=NOW - 1),),
        running=(hog, hog._replace(id=hog.id + 1)),
        queued={1: Queued(1, 1, NOW - 11)},
    )
    (said,) = _problems(held)
    assert said.startswith("1 run waits for a free slot, the oldest for 11s: run ")
    assert said.endswith(" hold all 2 slots")
    assert _problems(replace(held, running=(hog,))) == []


def test_a_worker_with_other_files_is_a_problem_before_what_may_come_of_it() -> None:
    found = [Deviation(name, "worker h2:7", 5) for name in ("a.b", "a.c")]
    sick = replace(HEALTHY, deviations=tuple(found), functions=(function(next_run_at=NOW - 60),))
    assert _problems(sick) == [
        "worker h2:7 runs another version of a.b and 1 more than the scan saw",
        "1 function is late",
    ]


def test_late_functions_are_counted() -> None:
    rows = [function(id=n, name=f"f.{n}", next_run_at=NOW - 60 * n) for n in (1, 2)]
    late = replace(HEALTHY, functions=tuple(rows))
    (found,) = problems(late, Board(late, LOOK), LOOK)
    assert (found.text, found.remedy) == ("2 functions are late", "scheduler explain f.2")
    assert _problems(replace(late, functions=(rows[0],))) == ["1 function is late"]


def test_the_next_fire_times_begin_with_the_one_that_is_due() -> None:
    assert fire_times(function(next_run_at=NOW - 1), details(NOW - 61), NOW) == [
        NOW - 1, NOW + 59, NOW + 119, NOW + 179,
    ]  # fmt: skip
    assert fire_times(function(state="paused"), details(NOW), NOW) == []


def test_after_a_downtime_the_fire_times_do_not_list_what_was_missed() -> None:
    times = fire_times(function(next_run_at=NOW - 6001), details(NOW - 6001), NOW)
    assert times[0] == NOW - 6001
    assert all(at > NOW for at in times[1:])


def test_a_schedule_that_cannot_be_read_has_no_further_fire_times() -> None:
    assert fire_times(function(cron="nonsense"), details(NOW), NOW) == [NOW + 30]


def test_the_bars_of_a_history_are_low_so_that_rows_do_not_touch() -> None:
    assert UNICODE.history == "▁▂▃▄▅"


@pytest.mark.parametrize("width", [150, 200, 300])
@pytest.mark.parametrize("longest_file", [4, 8, 30])
def test_short_names_are_whole_on_a_wide_terminal(width: int, longest_file: int) -> None:
    placed = {c.name: c for c in columns(width, longest_name=11, longest_file=longest_file)}
    assert placed["FUNCTION"].width >= 11
    assert placed["FILE"].width >= longest_file
    last = placed["LAST ERROR"]
    assert last.x + last.width == width
