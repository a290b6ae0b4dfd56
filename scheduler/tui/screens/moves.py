"""What the movement keys mean for a list."""

from typing import Protocol

from scheduler.tui.rows import Rows
from scheduler.tui.screens.runs import RunList


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
