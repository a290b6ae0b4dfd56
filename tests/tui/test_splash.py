"""The picture before the first frame: it is there while urwid loads, and it does no harm."""

import re
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pyte
import pytest

from scheduler.tui.splash import ENTER, picture
from tests.tui.terminal import Terminal

LEAVE_ALTERNATE_SCREEN = b"\x1b[?1049l"
Opener = Callable[[str], Terminal]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Return an opener of consoles whose urwid is the code given."""
    (tmp_path / "scheduler.toml").write_text('scan_paths = ["."]\n')
    with ExitStack() as stack:

        def open_console(urwid: str) -> Terminal:
            (tmp_path / "urwid.py").write_text(urwid)
            command = [sys.executable, "-m", "scheduler", "tui"]
            environ = {"PYTHONPATH": str(tmp_path)}
            console = Terminal(command, width=80, height=24, environ=environ, folder=tmp_path)
            return stack.enter_context(console)

        yield open_console


SLOW = "import signal\nsignal.pause()\n"


def test_while_urwid_loads_the_header_and_the_footer_are_there(opened: Opener) -> None:
    rows = opened(SLOW).wait_for("scheduler", "? help  q quit").split("\n")
    assert rows[0].split() == ["scheduler", "starting"]
    assert rows[-1].startswith(" ? help  q quit  / filter  s sort")
    assert not any(row.strip() for row in rows[1:-1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_while_urwid_loads_gives_the_terminal_back(
    opened: Opener, number: signal.Signals
) -> None:
    console = opened(SLOW)
    console.wait_for("? help  q quit")
    console.process.send_signal(number)
    assert console.wait_for_exit() == 0
    assert LEAVE_ALTERNATE_SCREEN in console.raw
    assert b"Traceback" not in console.raw


def test_keys_that_come_too_early_are_not_written_across_it(opened: Opener) -> None:
    console = opened(SLOW)
    console.wait_for("? help  q quit")
    assert not console.local_flags() & termios.ECHO
    console.process.send_signal(signal.SIGTERM)
    console.wait_for_exit()
    assert console.local_flags() & termios.ECHO


def test_what_cannot_be_loaded_gives_the_terminal_back_and_says_so(opened: Opener) -> None:
    console = opened("raise ImportError('urwid is broken')\n")
    assert console.wait_for_exit() == 1
    after = bytes(console.raw).rpartition(LEAVE_ALTERNATE_SCREEN)[2]
    assert b"urwid is broken" in after
    assert console.local_flags() & termios.ECHO


@pytest.mark.parametrize("size", [(1, 1), (5, 2), (20, 3), (79, 24), (80, 24), (200, 50)])
def test_it_fits_every_size(size: tuple[int, int]) -> None:
    width, height = size
    screen = pyte.Screen(width, height)
    pyte.Stream(screen).feed(ENTER + picture(width, height))
    assert screen.display[0].startswith(" scheduler "[:width])
    if height > 1 and width >= 20:
        assert screen.display[-1].startswith(" ? help  q quit")


def test_it_is_the_footer_of_the_first_frame() -> None:
    assert re.search(r"\[1m1-4\x1b\[0m\x1b\[2m panel", picture(120, 36))
