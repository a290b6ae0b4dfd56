"""A console without a terminal: fakes around it, a clock that is set, keys in, text out."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from scheduler.config import Config
from scheduler.db.console import ConsoleDatabase
from scheduler.errors import SchedulerError
from scheduler.maintenance.requests import Requested
from scheduler.testing import SettableClock
from scheduler.tui.commands import COMMANDS
from scheduler.tui.console import Console, Done, Surroundings, Work
from scheduler.tui.poller import Lookout
from scheduler.tui.snapshot import Interest
from scheduler.tui.text import Line, line_width

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC


@dataclass
class FakeTerminal:
    """Remembers what it was asked."""

    copied: list[str] = field(default_factory=list)
    edited: list[tuple[str, int]] = field(default_factory=list)
    mouse: list[bool] = field(default_factory=list)
    redraws: int = 0
    has_quit: bool = False
    edit_answer: str = ""

    def copy(self, text: str) -> None:
        self.copied.append(text)

    def edit(self, path: str, line: int) -> str:
        self.edited.append((path, line))
        return self.edit_answer

    def set_mouse(self, is_on: bool) -> None:
        self.mouse.append(is_on)

    def redraw(self) -> None:
        self.redraws += 1

    def quit(self) -> None:
        self.has_quit = True


@dataclass
class FakeSource:
    """Remembers what the poller would be told."""

    interest: Interest = field(default_factory=Interest)
    paces: list[float] = field(default_factory=list)
    refreshes: int = 0

    def want(self, interest: Interest) -> None:
        self.interest = interest

    def pace(self, interval_seconds: float) -> None:
        self.paces.append(interval_seconds)

    def refresh(self) -> None:
        self.refreshes += 1


@dataclass
class FakeActions:
    """Remembers the requests; `error` is raised by each of them."""

    asked: list[tuple[str, object]] = field(default_factory=list)
    error: SchedulerError | None = None
    fault: str | None = None

    def request_run(
        self, name: str, *, force: bool = False, slot: float | None = None
    ) -> Requested:
        self._ask("run", name if slot is None else (name, slot))
        return Requested(4711, self.fault)

    def pause(self, name: str) -> bool:
        self._ask("pause", name)
        return True

    def resume(self, name: str) -> bool:
        self._ask("resume", name)
        return True

    def cancel(self, run_id: int) -> str:
        self._ask("cancel", run_id)
        return "requested"

    def request_stack(self, run_id: int) -> bool:
        self._ask("stack", run_id)
        return True

    def _ask(self, what: str, of: object) -> None:
        if self.error:
            raise self.error
        self.asked.append((what, of))


class Stage:
    """A console that reads a real database when it is shown; close it after the test."""

    def __init__(
        self,
        config: Config,
        *,
        width: int = 120,
        height: int = 36,
        is_read_only: bool = False,
        is_ascii: bool = False,
    ) -> None:
        self.width, self.height = width, height
        self.clock = SettableClock(NOW)
        self.terminal, self.source, self.actions = FakeTerminal(), FakeSource(), FakeActions()
        self.disk_free: float | None = 0.5
        self._reader = ConsoleDatabase(config)
        self.lookout = Lookout(self._reader, self.clock, disk_free=lambda: self.disk_free)
        self.console = Console(
            Surroundings(
                config=config,
                clock=self.clock,
                terminal=self.terminal,
                source=self.source,
                actions=self.actions,
                in_background=_at_once,
                local_zone=ZoneInfo("Asia/Tokyo"),
                is_read_only=is_read_only,
                is_ascii=is_ascii,
            ),
            lambda: COMMANDS,
        )

    def look(self) -> None:
        """Read the database as the poller would, for what is on the screen."""
        self.console.receive(self.lookout.look(self.source.interest, is_due=True))

    def lines(self) -> list[Line]:
        """Return what is drawn, without reading again."""
        return self.console.lines(self.width, self.height)

    def show(self) -> str:
        """Read, draw, read what the drawing asked for, draw again; return the text."""
        for _ in range(3):
            self.look()
            self.lines()
        return self.text()

    def text(self) -> str:
        """Return the text of what is drawn now."""
        return "\n".join("".join(text for _, text in line) for line in self.lines())

    def press(self, *keys: str) -> str:
        """Press keys one after the other and show the screen."""
        for key in keys:
            self.console.press(key)
            self.show()
        return self.text()

    def click(self, x: int, y: int) -> str:
        """Click at a place and show the screen."""
        self.console.mouse("mouse press", 1, x, y)
        return self.show()

    def row_of(self, text: str) -> int:
        """Return the row of the screen where a text stands; raises AssertionError without."""
        rows = self.text().split("\n")
        found = [index for index, row in enumerate(rows) if text in row]
        assert found, f"{text!r} is not on\n" + "\n".join(rows)
        return found[0]

    def selected_row(self) -> str:
        """Return the row under the cursor."""
        for line in self.lines():
            if any(role and role.endswith(" selected") for role, _ in line):
                return "".join(text for _, text in line)
        return ""

    def is_exact(self) -> bool:
        """Tell whether the drawing has the size asked for."""
        lines = self.lines()
        widths = {line_width(line) for line in lines}
        return len(lines) == self.height and widths == {self.width}

    def close(self) -> None:
        """Close the reader."""
        self._reader.close()


def _at_once(work: Work, done: Done) -> None:
    try:
        done(work(), False)
    except SchedulerError as error:
        done(str(error), True)
