"""The console on a real terminal: urwid's loop, the poller's thread, signals, the editor."""

import errno
import logging
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import urwid
from urwid.display.common import InputClosedError

from scheduler.advice import config_flag
from scheduler.clock import SystemClock
from scheduler.config import Config
from scheduler.errors import SchedulerError
from scheduler.tui.actions import ServiceActions
from scheduler.tui.console import Console, Done, Surroundings, Work
from scheduler.tui.palette import choose_theme, palette
from scheduler.tui.poller import open_poller
from scheduler.tui.snapshot import Snapshot, Trouble
from scheduler.tui.widgets import Surface
from scheduler.wording import signal_name

TICK_SECONDS = 1.0
SWITCH_SECONDS = 0.001  # how long a key may wait for the thread that reads
UNFOCUSED_TICKS = 5  # the countdowns jump by so many seconds in a terminal that nobody looks at


def quiet_logging() -> None:
    """Keep log lines off the screen, where they would be scribbles; errors are in the header."""
    logging.getLogger().handlers[:] = [logging.NullHandler()]
    logging.captureWarnings(True)


@cache
def load_commands() -> Mapping[str, Callable[[Console], None]]:
    """Load what the keys do, and the screens they open: nothing of it is in the first frame."""
    from scheduler.tui.commands import COMMANDS

    return COMMANDS


class App:
    """Wires the console to urwid: alarms for the time, calls from the poller's thread."""

    def __init__(
        self, config: Config, *, read_only: bool, ascii: bool, theme: str | None, mouse: bool
    ) -> None:
        clock = SystemClock()
        self._ticks = 0
        self._is_editing = False
        is_ascii = ascii or urwid.get_encoding_mode() != "utf8"
        self._poller = open_poller(config, clock, self._receive_from_thread)
        self.console = Console(
            Surroundings(
                config=config,
                clock=clock,
                terminal=self,
                source=self._poller,
                actions=ServiceActions(config),
                in_background=self._in_background,
                is_read_only=read_only,
                is_ascii=is_ascii,
                has_mouse=mouse,
                flag=config_flag(str(config.path) if config.path else None, os.environ),
            ),
            load_commands,
        )
        self._surface = Surface(self.console)
        # Left to itself urwid asks the terminal first, and many, as tmux 3.3, do not answer: pasted
        # text would be keys. A terminal that knows neither of them ignores both.
        self._screen = urwid.display.raw.Screen(bracketed_paste_mode=True, focus_reporting=True)
        chosen = choose_theme(theme, os.environ)
        if chosen == "mono":
            self._screen.set_terminal_properties(colors=1)
        self._loop = urwid.MainLoop(
            self._surface, palette(chosen), screen=self._screen, handle_mouse=mouse
        )

    def run(self) -> None:
        """Show the console; the terminal is given back however it ends."""
        quiet_logging()
        sys.setswitchinterval(SWITCH_SECONDS)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self._screen.tty_signal_keys("undefined", "undefined", "undefined", "undefined")
        self._loop.set_alarm_in(0, self._start)
        try:
            with suppress(InputClosedError):  # the terminal's window was closed
                self._loop.run()
        except OSError as error:  # the same, noticed in writing
            if error.errno != errno.EIO:
                raise
        finally:
            self._poller.stop()

    def copy(self, text: str) -> None:
        """Put a text on the clipboard by OSC 52."""
        self._screen.copy_to_clipboard(text)

    def edit(self, path: str, line: int) -> str:
        """Open a file in $VISUAL or $EDITOR; return what went wrong, "" if nothing."""
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        with self._loop.paused():
            self._is_editing = True  # ^C is the editor's then
            try:
                command = [*shlex.split(editor), f"+{line}", path]
                code = subprocess.run(command, check=False).returncode
            except (OSError, ValueError) as error:
                return f"$EDITOR {editor}: {error}"
            finally:
                self._is_editing = False
        how = f"exit code {code}" if code >= 0 else signal_name(-code)
        return f"$EDITOR {editor}: it ended with {how}" if code else ""

    def set_mouse(self, is_on: bool) -> None:
        """Take the mouse or leave it to the terminal."""
        self._screen.set_mouse_tracking(is_on)
        self._loop.handle_mouse = is_on

    def redraw(self) -> None:
        """Paint everything anew."""
        self._screen.clear()

    def quit(self) -> None:
        """End the loop once the key has been dealt with."""
        self._loop.set_alarm_in(0, _exit)

    def _start(self, _loop: Any, _data: Any) -> None:
        """Start the thread once the loop can be called from it, and the empty frame is drawn."""
        self._loop.draw_screen()
        self._poller.start()
        self._loop.set_alarm_in(TICK_SECONDS, self._tick)

    def _tick(self, loop: Any, _data: Any) -> None:
        """Redraw for the countdowns. Re-armed first: an exception would end the ticking."""
        loop.set_alarm_in(TICK_SECONDS, self._tick)
        self._ticks += 1
        if self.console.is_focused or self._ticks % UNFOCUSED_TICKS == 0:
            self._surface.refresh()

    def _receive_from_thread(self, report: Snapshot | Trouble) -> None:
        self._call(self._receive, report)

    def _receive(self, report: Snapshot | Trouble) -> None:
        if self.console.receive(report):
            self._surface.refresh()
        self._loop.set_alarm_in(0, lambda *_: load_commands())  # once what came is drawn

    def _in_background(self, work: Work, done: Done) -> None:
        """Do a request in a thread: a locked database would hold the screen for 30 s."""

        def run() -> None:
            try:
                answer, is_bad = work(), False
            except SchedulerError as error:
                answer, is_bad = str(error), True
            except Exception as error:  # noqa: BLE001 - a fault of ours: on the screen, not across it
                answer, is_bad = f"{type(error).__name__}: {error}", True
            self._call(self._finish, done, answer, is_bad)

        threading.Thread(target=run, name="console-request", daemon=True).start()

    def _finish(self, done: Done, answer: str, is_bad: bool) -> None:
        done(answer, is_bad)
        self._surface.refresh()

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_from_thread(function, *arguments)

    def _on_signal(self, number: int, _frame: Any) -> None:
        if not (self._is_editing and number == signal.SIGINT):
            self._call(self.quit)


def _exit(_loop: Any, _data: Any) -> None:
    raise urwid.ExitMainLoop
