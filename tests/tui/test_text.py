"""Text in columns: whatever the text, a line is exactly as wide as it was asked to be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urwid.str_util import calc_width

from scheduler.tui.text import (
    Line,
    clean,
    cut,
    cut_text,
    ends,
    exact,
    fit,
    line_width,
    overlay,
    select,
    width_of,
    wrapped,
)

# Marks that combine with what stands before them, also in another run; wide ones; half a flag.
TEXTS = st.text() | st.text("0 \u0301\u0bbf\U00011d93\u4e2d\U0001f1e9\U0001f3fd")
LINES = st.lists(st.tuples(st.sampled_from([None, "ok", "dim"]), TEXTS.map(clean)))


@given(TEXTS, st.integers(0, 60), st.sampled_from("<>"))
def test_a_fitted_text_has_the_width_asked_for(text: str, width: int, align: str) -> None:
    assert width_of(fit(clean(text), width, align=align)) == width


@given(LINES, st.integers(0, 80))
def test_an_exact_line_has_the_width_asked_for(line: Line, width: int) -> None:
    assert line_width(exact(line, width)) == width


@given(LINES, LINES, st.integers(1, 80))
def test_two_ends_fill_the_width(left: Line, right: Line, width: int) -> None:
    assert line_width(ends(left, right, width)) == width


@given(st.text())
def test_clean_text_moves_no_cursor_and_hides_nothing(text: str) -> None:
    cleaned = clean(text)
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in cleaned)
    assert not set(cleaned) & set("\u200d\u202e\u2066\ufeff\ud800")
    assert calc_width(cleaned, 0, len(cleaned)) >= 0


@given(LINES, st.integers(0, 30), st.integers(0, 20))
def test_a_box_over_a_line_changes_no_width(line: Line, x: int, box_width: int) -> None:
    width = 50
    box: list[Line] = [[("box", "#" * box_width)]]
    laid = overlay([exact(line, width)], box, x, 0)
    assert line_width(laid[0]) == width
    assert "#" * box_width in "".join(text for _, text in laid[0])


@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [
        ("short", 8, "short   "),
        ("exactly8", 8, "exactly8"),
        ("far too long", 8, "far too…"),
        ("日本語テキスト", 6, "日本… "),
        ("x", 0, ""),
        ("日", 1, "…"),
    ],
)
def test_what_does_not_fit_ends_with_an_ellipsis(text: str, width: int, fitted: str) -> None:
    assert fit(text, width) == fitted


def test_numbers_stand_at_the_right() -> None:
    assert fit("1.2s", 7, align=">") == "   1.2s"


def test_a_wide_character_that_does_not_fit_is_left_out() -> None:
    assert cut_text("日本", 3) == "日"


@pytest.mark.parametrize("under", ["ab\u4e2dd", "ab\u4e2d"])
def test_half_a_wide_character_beside_a_box_is_a_blank_of_its_colour(under: str) -> None:
    base: list[Line] = [[("ok", under)]]
    (laid,) = overlay(base, [[("box", "#")]], 2, 0)
    assert laid == [("ok", "ab"), ("box", "#"), ("ok", " " + under[3:])]


def test_a_line_is_cut_in_the_run_that_is_too_long() -> None:
    line: Line = [("ok", "abc"), ("dim", "defgh")]
    assert cut(line, 6, ellipsis="…") == [("ok", "abc"), ("dim", "de"), ("dim", "…")]


@pytest.mark.parametrize("width", [-1, 0])
def test_where_there_is_no_room_nothing_is_left_of_a_line(width: int) -> None:
    assert cut([(None, "text")], width, ellipsis="…") == []


def test_a_word_that_is_too_long_goes_on_in_the_next_row() -> None:
    assert wrapped("see scheduler-explain a", 9) == ["see", "scheduler", "-explain", "a"]


def test_a_selected_line_has_every_role_selected() -> None:
    assert select([(None, "a"), ("ok", "b")]) == [("text selected", "a"), ("ok selected", "b")]


@pytest.mark.parametrize(
    ("dirty", "cleaned"),
    [
        ("a\tb\nc", "a b c"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("a\u202eb\u200dc", "abc"),
        ("caf\u00e9 e\u0301", "caf\u00e9 e\u0301"),
        ("\u0301 alone", "\u25cc\u0301 alone"),
    ],
)
def test_control_characters_become_blanks_or_marks(dirty: str, cleaned: str) -> None:
    assert clean(dirty) == cleaned


@pytest.mark.parametrize("first", range(0x20, 0x2800, 0x100))
def test_what_is_taken_for_one_column_wide_is_so_for_urwid(first: int) -> None:
    signs = [chr(code) for code in range(first, first + 0x100)]
    texts = [text for c in signs if c.isprintable() for text in (c, f"a{c}b", f"{c}{c}")]
    assert [text for text in texts if width_of(text) != calc_width(text, 0, len(text))] == []
