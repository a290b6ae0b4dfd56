"""How lines become urwid's rows: exact, with few runs, and not computed twice."""

import urwid

from scheduler.tui.canvas import Encoder, Row
from scheduler.tui.text import Line
from scheduler.tui.widgets import Surface
from tests.tui.stage import Stage

LINE: Line = [("ok", "✓ ok"), (None, "  "), ("name", "a.b"), (None, " "), (None, "c")]


def _row(line: Line, width: int = 12, *, is_ascii: bool = False) -> Row:
    return Encoder().rows([line], width, is_ascii=is_ascii)[0]


def test_blanks_join_the_run_before_them() -> None:
    assert _row(LINE) == [
        ("ok", None, "✓ ok  ".encode()),
        ("name", None, b"a.b "),
        (None, None, b"c "),
    ]


def test_a_blank_that_would_show_the_role_before_it_stays_apart() -> None:
    for role in ("badge", "heading", "ok selected"):
        assert _row([(role, "x"), (None, " ")], 2) == [(role, None, b"x"), (None, None, b" ")]


def test_a_row_has_the_width_whatever_the_line_has() -> None:
    assert _row([("ok", "abc")], 2) == [("ok", None, b"ab")]
    assert _row([], 2) == [(None, None, b"  ")]


def test_without_unicode_a_wide_letter_is_as_many_question_marks() -> None:
    assert _row([("ok", "表x")], 3, is_ascii=True) == [("ok", None, b"??x")]


def test_a_line_of_the_last_frame_is_the_same_row_wherever_it_stands_now() -> None:
    encoder = Encoder()
    first = encoder.rows([LINE, [("dim", "x")]], 12, is_ascii=False)
    second = encoder.rows([[("dim", "x")], list(LINE)], 12, is_ascii=False)
    assert second[0] is first[1]
    assert second[1] is first[0]
    assert encoder.rows([LINE], 13, is_ascii=False)[0] != first[0]


def test_a_refresh_that_changes_nothing_leaves_the_screen_alone(stage: Stage) -> None:
    surface = Surface(stage.console)
    surface.refresh()  # before the first drawing: no size is known yet
    drawn: urwid.Canvas = surface.render((120, 36), True)
    surface.refresh()
    assert surface.render((120, 36), True) is drawn
    stage.clock.advance(1)
    surface.refresh()
    assert surface.render((120, 36), True) is not drawn


def test_a_size_that_comes_back_is_drawn_anew(stage: Stage) -> None:
    surface = Surface(stage.console)
    first = surface.render((120, 36), True)
    surface.render((80, 24), True)
    assert surface.render((120, 36), True) is not first
