"""Lines that are kept from frame to frame are the lines one would have drawn anew."""

from dataclasses import replace

import pytest

from scheduler.db.console_rows import Mark
from scheduler.tui.glyphs import ASCII
from scheduler.tui.model.columns import columns
from scheduler.tui.model.drawn import DrawnLines
from tests.tui.stage import NOW
from tests.tui.test_model import LOOK, entry, function, run

MARKS = (Mark("success", NOW - 30, NOW - 29, None, None, None),)
WIDE = columns(160, longest_name=20, longest_file=20)
FIRST = (entry(function()), MARKS, WIDE, LOOK)


@pytest.mark.parametrize(
    "second",
    [
        FIRST,
        (entry(function()), MARKS, WIDE, replace(LOOK, now=NOW + 1)),
        (entry(function()), MARKS, WIDE, replace(LOOK, now=NOW + 60)),
        (entry(function()), MARKS, WIDE, replace(LOOK, clock=True)),
        (entry(function()), MARKS, WIDE, replace(LOOK, glyphs=ASCII)),
        (entry(function()), MARKS, columns(80, longest_name=20, longest_file=20), LOOK),
        (entry(function()), None, WIDE, LOOK),
        (entry(function(last_status="error")), MARKS, WIDE, LOOK),
        (entry(function(), run()), MARKS, WIDE, LOOK),
    ],
)
def test_a_line_that_was_drawn_before_is_as_one_drawn_anew(second: tuple) -> None:  # type: ignore[type-arg]
    drawn = DrawnLines()
    for row, marks, table, look in (FIRST, second, FIRST):
        (line,) = drawn.of([(row, marks)], table, look)
        assert [line] == DrawnLines().of([(row, marks)], table, look)


def test_a_line_that_says_the_same_is_the_same() -> None:
    row = entry(function(next_run_at=NOW + 30.5, last_started_at=NOW - 30.5))
    drawn = DrawnLines()
    (first,) = drawn.of([(row, MARKS)], WIDE, LOOK)
    (second,) = drawn.of([(row, MARKS)], WIDE, replace(LOOK, now=NOW + 0.2))
    assert second is first
