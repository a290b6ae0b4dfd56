"""Tables that align, colours only on a terminal, and JSON of plain values."""

import io
import json
from pathlib import Path

import pytest

from scheduler.cli.screen import Cell, Column, Screen, cells, cut

COLUMNS = (Column("STATE"), Column("NAME", flexible=True), Column("TOOK", right=True))
ROWS = (
    (Cell("✓ ok", "ok"), Cell("reports.daily.send"), Cell("3.4s")),
    (Cell("✗ FAIL", "bad"), Cell("größe.好"), Cell("12.0s")),
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def table(stream: io.StringIO, **environ: str) -> list[str]:
    Screen(stream, environ).table(COLUMNS, ROWS)
    return stream.getvalue().splitlines()


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "28")


def test_columns_align_whatever_letters_they_hold() -> None:
    assert table(io.StringIO()) == [
        "STATE   NAME                 TOOK",
        "✓ ok    reports.daily.send   3.4s",
        "✗ FAIL  größe.好            12.0s",
    ]


def test_a_pipe_gets_the_whole_text_without_colours() -> None:
    assert "\x1b" not in "".join(table(io.StringIO()))


@pytest.mark.usefixtures("narrow")
def test_a_terminal_gets_colours_and_lines_that_fit() -> None:
    lines = table(Terminal(), TERM="xterm")

    assert lines[1] == "\x1b[32m✓ ok\x1b[0m    reports.dail…   3.4s"


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_switched_off(environ: dict[str, str]) -> None:
    assert table(Terminal(), **environ)[1] == "✓ ok    reports.dail…   3.4s"


def test_control_characters_of_user_text_do_not_reach_the_table() -> None:
    stream = io.StringIO()

    Screen(stream, {}).table((Column("A"),), [[Cell("x\x1b[2J\ny")]])

    assert stream.getvalue() == "A\nx [2J y\n"


def test_a_cut_text_fits_and_says_that_it_was_cut() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdef", 4) == "abc…"
    assert cut("好好好", 4) == "好…"
    assert cells(cut("好好好", 4)) <= 4


def test_json_has_dataclasses_and_paths_as_plain_values() -> None:
    stream = io.StringIO()

    Screen(stream, {}).json({"cell": Cell("ä", "ok"), "path": Path("/x")})

    assert json.loads(stream.getvalue()) == {"cell": {"text": "ä", "role": "ok"}, "path": "/x"}
    assert "ä" in stream.getvalue()


def test_what_json_cannot_say_is_an_error() -> None:
    with pytest.raises(TypeError, match="no JSON for socketpair"):
        Screen(io.StringIO(), {}).json(type("socketpair", (), {})())
