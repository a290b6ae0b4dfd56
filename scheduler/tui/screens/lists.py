"""What all lists share: the movement keys and how their rows are drawn."""

from typing import Protocol

from scheduler.tui.model.frame import scrolled
from scheduler.tui.rows import Rows
from scheduler.tui.screens.runs import RunList
from scheduler.tui.text import Line
from scheduler.tui.view import View


class Listed(Protocol):
    """Whatever has rows with a cursor."""

    rows: Rows


def move(listed: Listed, action: str) -> None:
    """Move a list's cursor by the action of a key."""
    if action == "first":
        listed.first() if isinstance(listed, RunList) else listed.rows.release()
    elif action == "last":
        listed.last() if isinstance(listed, RunList) else move_by(listed, len(listed.rows.keys))
    else:
        page = max(listed.rows.height - 1, 1)
        amounts = {"up": -1, "down": 1, "page_up": -page, "page_down": page}
        move_by(listed, amounts[action])


def move_by(listed: Listed, amount: int) -> None:
    """Move a list's cursor by rows."""
    if isinstance(listed, RunList):
        listed.move(amount)
    else:
        listed.rows.move(amount)


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
