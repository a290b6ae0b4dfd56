"""What reaches the terminal: exact sizes, one column per sign, readable without colour."""

from collections.abc import Iterator
from dataclasses import fields

import pytest
import urwid
from urwid.str_util import calc_width
from urwid.testing import check_box_sizing, press, render_runs, render_text, resolve_attr
from urwid.util import set_temporary_encoding

from scheduler.config import Config
from scheduler.tui.glyphs import ASCII, UNICODE, Glyphs
from scheduler.tui.model.states import LEGEND
from scheduler.tui.palette import ROLES, THEMES, choose_theme, palette
from scheduler.tui.text import SELECTED
from scheduler.tui.widgets import Surface
from tests.tui.conftest import StageMaker
from tests.tui.stage import Stage

SIZES = [
    (width, height)
    for width in (1, 2, 3, 5, 10, 20, 40, 50, 71, 72, 80, 109, 110, 120, 149, 150, 200)
    for height in (1, 2, 3, 4, 5, 6, 10, 13, 14, 16, 17, 24, 36, 50)
]
OPENED: dict[str, tuple[str, ...]] = {
    "overview": (),
    "recent runs": ("2",),
    "zoomed": ("4", "z"),
    "filter": ("/", "b", "i"),
    "nothing matches": ("/", "~", "enter"),
    "question": ("2", "j", "x"),
    "help": ("?",),
    "problems": ("!",),
    "function": ("enter",),
    "function, text zoomed": ("enter", "tab", "z"),
    "run": ("2", "enter"),
    "failed run": ("enter", "enter"),
    "scan error": ("3", "enter"),
    "frozen": (" ",),
}


@pytest.mark.parametrize("opened", OPENED)
def test_every_screen_renders_at_every_size_exactly(stage: Stage, opened: str) -> None:
    stage.press(*OPENED[opened])
    surface = Surface(stage.console)
    for size in SIZES:
        canvas = surface.render(size, focus=True)
        assert (canvas.cols(), canvas.rows()) == size
        assert all(calc_width(row, 0, len(row)) == size[0] for row in canvas.text), size


@pytest.mark.parametrize("kind", ["empty", "nothing read"])
def test_a_console_without_data_renders_at_every_size(
    empty: Config, stage_of: StageMaker, kind: str
) -> None:
    stage = stage_of(empty) if kind == "empty" else Stage(empty)
    surface = Surface(stage.console)
    for size in SIZES:
        canvas = surface.render(size, focus=True)
        assert (canvas.cols(), canvas.rows()) == size
    stage.close()


def test_no_screen_hides_a_fault_of_ours(stage: Stage) -> None:
    for keys in OPENED.values():
        stage.press(*keys)
        for size in SIZES:
            stage.width, stage.height = size
            assert "esc goes back, q quits" not in stage.text(), (keys, size, stage.text())
        stage.width, stage.height = 120, 36
        stage.press("esc", "esc", "esc", "esc")


def test_the_surface_obeys_the_contract_of_a_box_widget(stage: Stage) -> None:
    check_box_sizing(Surface(stage.console), cols=120, rows=36)


def test_the_surface_hands_every_key_to_the_console(stage: Stage) -> None:
    assert press(Surface(stage.console), (120, 36), "j", "F12", "?") == []
    assert stage.console.popup is not None


def test_the_text_of_the_canvas_is_the_text_of_the_model(stage: Stage) -> None:
    assert "\n".join(render_text(Surface(stage.console), (120, 36))) == stage.text()


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_every_sign_is_one_column_wide(glyphs: Glyphs) -> None:
    for field in fields(glyphs):
        for sign in "".join(getattr(glyphs, field.name)):
            assert calc_width(sign, 0, 1) == 1, (field.name, sign)


def test_no_sign_has_an_emoji_form() -> None:
    signs = "".join("".join(getattr(UNICODE, field.name)) for field in fields(UNICODE))
    assert not set(signs) & set("▶⏸✔✖⚠⏺⏹⏱")


def test_the_fallback_signs_are_ascii() -> None:
    assert all("".join(getattr(ASCII, field.name)).isascii() for field in fields(ASCII))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("colors", [1, 16, 88, 256, 2**24])
def test_every_role_on_the_screen_is_in_the_palette(stage: Stage, theme: str, colors: int) -> None:
    entries = palette(theme)
    known = {entry[0] for entry in entries}
    for keys in OPENED.values():
        stage.press(*keys)
        for row in render_runs(Surface(stage.console), (120, 36)):
            assert {role for role, _ in row if role} <= known
        stage.press("esc", "esc", "esc", "esc")
    for name in known:
        resolve_attr(name, entries, colors=colors)


@pytest.mark.parametrize("theme", THEMES)
def test_a_selected_row_sets_foreground_and_background_or_stands_out(theme: str) -> None:
    for role in ROLES:
        rich = resolve_attr(role + SELECTED, palette(theme), colors=256)
        poor = resolve_attr(role + SELECTED, palette(theme), colors=1)
        basic = resolve_attr(role + SELECTED, palette(theme), colors=16)
        assert theme == "mono" or (rich.foreground != "default" and rich.background != "default")
        assert poor.standout
        assert basic.standout


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_outside_the_row_bar_the_background_is_the_terminals_own(theme: str) -> None:
    for role in ROLES:
        assert resolve_attr(role, palette(theme), colors=256).background == "default"


@pytest.mark.parametrize("state", LEGEND, ids=lambda state: state.word)
def test_every_state_is_told_by_sign_and_word_and_not_by_colour_alone(state: object) -> None:
    words = [each.word for each in LEGEND]
    assert words.count(state.word) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("encoding", ["utf8", "ascii", "iso8859-1"])
@pytest.mark.parametrize("is_ascii", [False, True])
def test_every_screen_renders_in_every_encoding(
    seeded: Config, stage_of: StageMaker, encoding: str, is_ascii: bool
) -> None:
    stage = stage_of(seeded, is_ascii=is_ascii)
    with set_temporary_encoding(encoding):
        for keys in OPENED.values():
            stage.press(*keys)
            canvas = Surface(stage.console).render((120, 36))
            assert (canvas.cols(), canvas.rows()) == (120, 36)
            if is_ascii:
                assert all(row.isascii() for row in canvas.text)
            stage.press("esc", "esc", "esc", "esc")


@pytest.mark.parametrize(
    ("environ", "asked", "theme"),
    [
        ({}, None, "dark"),
        ({}, "light", "light"),
        ({"NO_COLOR": "1"}, "light", "mono"),
        ({"NO_COLOR": ""}, None, "dark"),
        ({"COLORFGBG": "0;15"}, None, "light"),
        ({"COLORFGBG": "0;default;15"}, None, "light"),
        ({"COLORFGBG": "15;0"}, None, "dark"),
        ({"COLORFGBG": "0;15"}, "dark", "dark"),
    ],
)
def test_the_theme_is_what_was_asked_for_or_what_the_environment_says(
    environ: dict[str, str], asked: str | None, theme: str
) -> None:
    assert choose_theme(asked, environ) == theme


class _Broken:
    is_ascii = False

    def lines(self, width: int, height: int) -> list[list[tuple[str | None, str]]]:
        return [[("ok", "日本語" * width)], [], [(None, "x")]]

    def press(self, key: str) -> None: ...

    def mouse(self, event: str, button: int, x: int, y: int) -> bool:
        return False


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (7, 5), (80, 1)])
def test_whatever_the_painter_returns_the_canvas_has_its_size(size: tuple[int, int]) -> None:
    canvas = Surface(_Broken()).render(size)
    assert (canvas.cols(), canvas.rows()) == size


@pytest.fixture(autouse=True)
def _utf8() -> Iterator[None]:
    """Draw in UTF-8 whatever the locale of the machine is."""
    urwid.CanvasCache.clear()
    with set_temporary_encoding("utf8"):
        yield
