"""The console without its terminal: it turns snapshots, keys and the time into lines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Protocol

from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.tui.actions import Actions
from scheduler.tui.glyphs import ASCII, UNICODE
from scheduler.tui.keys import Binding, binding_of, hints
from scheduler.tui.look import Look
from scheduler.tui.model.board import Board
from scheduler.tui.model.frame import footer
from scheduler.tui.popups import Popup
from scheduler.tui.prompts import Prompt
from scheduler.tui.screens.contract import Screen
from scheduler.tui.screens.overview import Overview
from scheduler.tui.snapshot import EMPTY, Interest, Snapshot, Trouble, held
from scheduler.tui.text import Line, block, clean, cut, exact
from scheduler.tui.view import Badge, Message, View

HOLD_SECONDS = 5.0  # the order rests this long after a key
MESSAGE_SECONDS = 5.0
BOARD_SECONDS = 2.0  # how often the mere passing of time is looked at
DOUBLE_CLICK_SECONDS = 0.4
UNFOCUSED_SECONDS = 30.0
WHEEL_ROWS = 3
NO_MESSAGE = (Message(""), float("-inf"))


class Terminal(Protocol):
    """What the console asks of its terminal."""

    def copy(self, text: str) -> None: ...
    def edit(self, path: str, line: int) -> str: ...
    def set_mouse(self, is_on: bool) -> None: ...
    def redraw(self) -> None: ...
    def quit(self) -> None: ...


class Source(Protocol):
    """What the console asks of its poller."""

    def want(self, interest: Interest) -> None: ...
    def pace(self, interval_seconds: float) -> None: ...
    def refresh(self) -> None: ...


Work = Callable[[], str]
Done = Callable[[str, bool], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything the console touches outside itself; tests hand in fakes.

    in_background(work, done): runs work() elsewhere, then done(answer, is_bad) on this thread.
    """

    config: Config
    clock: Clock
    terminal: Terminal
    source: Source
    actions: Actions
    in_background: Callable[[Work, Done], None]
    local_zone: tzinfo | None = None
    is_read_only: bool = False
    is_ascii: bool = False
    has_mouse: bool = True
    flag: str = ""  # what a command needs to find this configuration


class Console:
    """The state of the console: what was read, which screen, what is asked of the user."""

    def __init__(
        self,
        around: Surroundings,
        commands: Callable[[], Mapping[str, Callable[["Console"], None]]],
    ) -> None:
        self.around = around
        self._commands = commands
        self._folder = str(Path.cwd())
        self.is_ascii = around.is_ascii
        self.overview = Overview()
        self.screens: list[Screen] = [self.overview]
        self.popup: Popup | None = None
        self.prompt: Prompt | None = None
        self.refresh_seconds = around.config.tui_refresh_seconds
        self.is_clock = False
        self.zone: tzinfo | None = UTC
        self.has_mouse = around.has_mouse
        self.is_focused = True
        self._latest, self._frozen = EMPTY, (EMPTY, 0.0)
        self._is_frozen = False
        self._trouble: Trouble | None = None
        self._message = NO_MESSAGE
        self._board = (EMPTY.overview, 0.0, Board(EMPTY.overview, Look(0.0, around.config)))
        self._last_key_at = float("-inf")
        self._is_pasting = False
        self._last_click = (0.0, -1, -1)

    @property
    def screen(self) -> Screen:
        """The screen on top."""
        return self.screens[-1]

    def receive(self, report: Snapshot | Trouble) -> bool:
        """Take what the poller found; return whether anything is new but the time."""
        trouble, latest = self._trouble, self._latest
        if isinstance(report, Trouble):
            self._trouble = report
            return report != trouble
        self._latest, self._trouble = report, None
        return trouble is not None or report.is_news(latest)

    def lines(self, width: int, height: int) -> list[Line]:
        """Return the whole screen; a fault of ours says so instead of freezing the screen."""
        try:
            return self._drawn(width, height)
        except Exception as error:  # noqa: BLE001 - the loop would swallow it
            fault = clean(f" {type(error).__name__}: {error}")
            return block([[("fail", fault)], [("dim", " esc goes back, q quits")]], width, height)

    def _drawn(self, width: int, height: int) -> list[Line]:
        """Draw the screen, then tell the poller what is on it."""
        view = self.view()
        body = self.screen.render(view, width, max(height - 1, 1))
        if self.prompt and height > 1:
            asked = self.prompt.line(view.look.glyphs)
            body[-1] = exact(cut(asked, width, ellipsis=view.look.glyphs.ellipsis), width)
        if height > 1:
            known = hints(self.screen.context(), read_only=self.around.is_read_only)
            body.append(footer(known, width))
        if self.popup:
            body = self.popup.over(body, width, height, view.look.glyphs)
        self.around.source.want(self.screen.interest())
        return body

    def press(self, key: str) -> None:
        """Take one key; pasted text is no command."""
        if key in {"begin paste", "end paste"}:
            self._is_pasting = key == "begin paste"
        elif key in {"focus in", "focus out"}:
            self._refocus(is_in=key == "focus in")
        elif self._is_pasting:
            if self.prompt:
                self.prompt.paste(key if len(key) == 1 else " ")
        else:
            self._last_key_at = self.around.clock.monotonic()
            try:
                self._press(key)
            except Exception as error:  # noqa: BLE001 - the loop would end
                self.say(f"{type(error).__name__}: {error}", is_bad=True)

    def perform(self, action: str) -> None:
        """Do what a key or an entry of the palette stands for."""
        if not self.screen.act(action, self.view()) and action in self._commands():
            self._commands()[action](self)

    def mouse(self, event: str, button: int, x: int, y: int) -> bool:
        """Take a mouse event: click, double click, wheel."""
        if event != "mouse press" or self.prompt:
            return False
        if self.popup:
            return self._scroll_popup(button)
        self._last_key_at = self.around.clock.monotonic()
        if button in {4, 5}:
            self.screen.wheel(x, y, -WHEEL_ROWS if button == 4 else WHEEL_ROWS)
        elif button == 1:
            is_row = self.screen.click(x, y, self.view())
            now = self.around.clock.monotonic()
            at, *place = self._last_click
            is_double = now - at < DOUBLE_CLICK_SECONDS and place == [x, y]
            self._last_click = (now, x, y)
            if is_row and is_double:
                self.perform("enter")
        return True

    def view(self) -> View:
        """Return the facts of this frame: the latest, or the frozen ones."""
        now = self.around.clock.now()
        snapshot = self._latest
        if self._is_frozen:
            frozen, now = self._frozen
            snapshot = held(frozen, self._latest)
        glyphs = ASCII if self.is_ascii else UNICODE
        config = self.around.config
        flag = self.around.flag
        look = Look(
            now,
            config,
            self._folder,
            glyphs,
            self.is_clock,
            self.zone,
            flag,
            checked_at=snapshot.checked_at,
        )
        is_held = self.around.clock.monotonic() - self._last_key_at < HOLD_SECONDS
        return View(snapshot, self._board_of(snapshot, look), look, self._badge(look), is_held)

    def say(self, text: str, *, is_bad: bool = False) -> None:
        """Show a sentence in the header for a while."""
        message = Message(text, "fail" if is_bad else "ok")
        self._message = (message, self.around.clock.monotonic() + MESSAGE_SECONDS)

    def request(self, work: Work) -> None:
        """Have something done that changes data, elsewhere, and show the answer when it comes."""
        self._message = (Message("asking", "run"), float("inf"))
        self.around.in_background(work, self._answered)

    def toggle_freeze(self) -> None:
        """Hold everything that is shown, or go on."""
        self._is_frozen = not self._is_frozen
        self._message = NO_MESSAGE  # an answer of before would hide that it is frozen
        self._frozen = (self._latest, self.around.clock.now())

    def push(self, screen: Screen) -> None:
        """Put a screen on top."""
        self.screens.append(screen)

    def pop(self) -> None:
        """Go back one screen; the first one stays."""
        if len(self.screens) > 1:
            self.screens.pop()

    def _scroll_popup(self, button: int) -> bool:
        step = {4: "up", 5: "down"}.get(button)
        if step and self.popup and self.popup.press(step):
            self.popup = None
        return step is not None

    def _press(self, key: str) -> None:
        if self.prompt:
            if self.prompt.press(key):
                self.prompt = None
            return
        binding = binding_of(key)
        if popup := self.popup:
            if popup.press(binding.action if binding else "") and self.popup is popup:
                self.popup = None  # unless what it did has opened another
        elif binding and self._may(binding):
            self.perform(binding.action)

    def _may(self, binding: Binding) -> bool:
        if binding.changes_data and self.around.is_read_only:
            self.say(f"{binding.hint}: this console is read-only", is_bad=True)
            return False
        return self.screen.context() in binding.where

    def _answered(self, answer: str, is_bad: bool) -> None:
        self.say(answer, is_bad=is_bad)
        self.around.source.refresh()

    def _refocus(self, *, is_in: bool) -> None:
        self.is_focused = is_in
        seconds = self.refresh_seconds if is_in else max(UNFOCUSED_SECONDS, self.refresh_seconds)
        self.around.source.pace(seconds)

    def _board_of(self, snapshot: Snapshot, look: Look) -> Board:
        """Return the board of a snapshot; the last one while neither data nor time changed it."""
        overview, made_at, board = self._board
        is_due = look.as_of > max(board.valid_until, made_at + BOARD_SECONDS)
        if overview is not snapshot.overview or is_due or look.as_of < made_at:
            board = Board(snapshot.overview, look, before=board)
            self._board = (snapshot.overview, look.as_of, board)
        return board

    def _badge(self, look: Look) -> Badge:
        message, until = self._message
        return Badge(
            refresh_seconds=self.refresh_seconds,
            frozen_at=self._frozen[1] if self._is_frozen else None,
            trouble=self._trouble,
            message=message if self.around.clock.monotonic() < until else None,
            has_data=self._latest is not EMPTY,
            is_read_only=self.around.is_read_only,
        )
