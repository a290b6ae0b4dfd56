"""The first picture, drawn by hand: to load what draws the others takes longest of all."""

import os
import signal
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scheduler.tui.keys import FUNCTIONS, hints
from scheduler.tui.model.frame import footer
from scheduler.tui.text import Line, cut

ENTER = "\x1b[?1049h\x1b[H\x1b[2J"
LEAVE = "\x1b[?1049l"
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_STYLES = {"badge": "7", "key": "1", "dim": "2"}  # no colours: which may be used is not known yet


@contextmanager
def splash() -> Iterator[None]:
    """Show who is starting while it loads; the terminal is given back if that fails."""
    settings = termios.tcgetattr(sys.stdin)
    _set_echo(settings, is_on=False)
    for number in _SIGNALS:
        signal.signal(number, _stop)
    try:
        _write(ENTER + picture(*os.get_terminal_size(sys.stdout.fileno())))
        yield
    except BaseException:
        _write(LEAVE)
        raise
    finally:
        _set_echo(settings, is_on=True)


def picture(width: int, height: int) -> str:
    """Return the header and the footer of the overview as they are before there is any data."""
    header: Line = [("badge", " scheduler "), ("dim", "  starting")]
    rows = [(1, header), (height, footer(hints(FUNCTIONS), width))]
    return "".join(f"\x1b[{row};1H{_styled(cut(line, width))}" for row, line in rows[:height])


def _styled(line: Line) -> str:
    return "".join(f"\x1b[{_STYLES.get(role or '', '0')}m{text}\x1b[0m" for role, text in line)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _set_echo(settings: list[Any], *, is_on: bool) -> None:
    """Have keys that come too early kept for later, not written across the picture."""
    quiet = [*settings]
    if not is_on:
        quiet[3] &= ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSANOW, quiet)


def _stop(_number: int, _frame: Any) -> None:
    raise SystemExit(0)
