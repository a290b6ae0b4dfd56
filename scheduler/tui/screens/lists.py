"""What all lists share: the movement keys and how their rows are drawn."""

from typing import Protocol

from scheduler.tui.model.frame import scrolled
from scheduler.tui.rows import Rows
from scheduler.tui.text import Line
from scheduler.tui.view import View


class Cursor(Protocol):
    """What the movement keys move: rows that are all there, or a window of runs."""

    @property
    def height(self) -> int:
        """How many rows were on the screen."""
        ...

    def move(self, amount: int) -> None:
        """Move by rows."""
        ...

    def first(self) -> None:
        """Go to the first row and stay there."""
        ...

    def last(self) -> None:
        """Go to the last row."""
        ...


def move(cursor: Cursor, action: str) -> None:
    """Move a cursor by the action of a key."""
    if action == "first":
        cursor.first()
    elif action == "last":
        cursor.last()
    else:
        page = max(cursor.height - 1, 1)
        cursor.move({"up": -1, "down": 1, "page_up": -page, "page_down": page}[action])


def scrolled_rows(
    rows: Rows, lines: list[Line], width: int, height: int, view: View, selected: int | None
) -> list[Line]:
    """Return the rows on the screen with a scroll bar for where they are in all of them."""
    total = len(rows.keys)
    position = rows.top / max(total - height, 1)
    return scrolled(
        lines,
        width,
        height,
        view.look.glyphs,
        selected=selected,
        position=position,
        share=height / max(total, 1),
    )
