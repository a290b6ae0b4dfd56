"""A board that was made from the one before it is the board one would have made anew."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from scheduler.db.console_rows import FunctionRow, Overview, Queued
from scheduler.tui.look import Look
from scheduler.tui.model.board import Board
from tests.tui.stage import NOW
from tests.tui.test_model import LOOK, function, run

# What happens between two looks: who changes how, who runs, who waits, and how much time goes by.
CHANGES = st.dictionaries(
    st.integers(1, 6),
    st.sampled_from(
        [
            {"last_status": "error"},
            {"last_status": "success"},
            {"next_run_at": NOW + 3},
            {"next_run_at": NOW + 400},
            {"state": "paused"},
            {"name": "renamed.to.something.longer"},
        ]
    ),
)
SOME = st.sets(st.integers(1, 7))
STEPS = st.lists(st.tuples(CHANGES, SOME, SOME, st.integers(0, 90)), max_size=6)
QUEUED = Queued(1, 1, NOW)


def _after(before: Overview, changes: dict[int, dict[str, Any]]) -> tuple[FunctionRow, ...]:
    rows = [f._replace(**changes[f.id]) if f.id in changes else f for f in before.functions]
    return tuple(sorted(rows, key=lambda row: row.name))


@given(STEPS)
@example([({}, set(), set(), 45), ({}, set(), set(), 1)])  # the very instant, and after it
def test_a_board_from_the_one_before_is_as_one_made_anew(
    steps: Sequence[tuple[dict[int, dict[str, Any]], set[int], set[int], int]],
) -> None:
    rows = tuple(function(id=n, name=f"f.{n}", next_run_at=NOW + 20 * n) for n in range(1, 7))
    overview, now = Overview(NOW, functions=rows), NOW
    board = Board(overview, _at(now))
    for changes, running, waiting, seconds in steps:
        now += seconds
        overview = replace(
            overview,
            functions=_after(overview, changes),
            running=tuple(run(id=n, function_id=n) for n in running),
            queued=dict.fromkeys(waiting, QUEUED),
        )
        board, fresh = Board(overview, _at(now), before=board), Board(overview, _at(now))
        assert list(board.entries.values()) == list(fresh.entries.values())
        assert board.late_count == fresh.late_count
        assert board.valid_until == fresh.valid_until
        assert (board.longest_name, board.longest_file) == (fresh.longest_name, fresh.longest_file)


def test_entries_that_did_not_change_are_the_same_values() -> None:
    rows = tuple(function(id=n, name=f"f.{n}") for n in range(1, 4))
    before = Board(Overview(NOW, functions=rows), LOOK)
    changed = (rows[0], rows[1]._replace(last_status="error"), rows[2])
    after = Board(Overview(NOW, functions=changed), LOOK, before=before)
    assert [after.entries[n] is before.entries[n] for n in (1, 2, 3)] == [True, False, True]


def _at(now: float) -> Look:
    return replace(LOOK, now=now)
