"""What every screen offers to the console that shows it."""

from dataclasses import dataclass
from typing import Protocol

from scheduler.db.console_rows import FunctionRow, RunRow
from scheduler.tui.snapshot import Interest
from scheduler.tui.text import Line
from scheduler.tui.view import View


@dataclass(frozen=True, slots=True)
class Target:
    """What the cursor is on, for the actions: a function, one of its runs, a place in a file."""

    function: FunctionRow | None = None
    run: RunRow | None = None
    path: str | None = None
    line: int = 1
    text: str = ""


class Screen(Protocol):
    """One screen above the footer. It keeps its cursor and asks the view for the rest."""

    def context(self) -> str:
        """Return which keys hold here: a context of `keys`."""
        ...

    def render(self, view: View, width: int, height: int) -> list[Line]:
        """Return exactly `height` lines of `width` columns."""
        ...

    def interest(self) -> Interest:
        """Return what was on the screen at the last render."""
        ...

    def act(self, action: str, view: View) -> bool:
        """Do what a key means here; False if it means nothing here."""
        ...

    def target(self, view: View) -> Target:
        """Return what the cursor is on."""
        ...

    def click(self, x: int, y: int, view: View) -> bool:
        """Select what is at a place; True if it was a row, which a double click then opens."""
        ...

    def wheel(self, x: int, y: int, amount: int) -> None:
        """Scroll what is at a place by rows."""
        ...
