"""What a screen draws from: one snapshot with its board and the look of this frame."""

from dataclasses import dataclass

from scheduler.db.console_rows import FunctionDetails, Mark
from scheduler.tui.look import Look
from scheduler.tui.model.board import Board
from scheduler.tui.snapshot import Snapshot, Trouble


@dataclass(frozen=True, slots=True)
class Message:
    """What the console answers to a key. role: ok, fail, or run while the answer is not there."""

    text: str
    role: str = "ok"


@dataclass(frozen=True, slots=True)
class Badge:
    """What the header says of the console itself."""

    refresh_seconds: float
    frozen_at: float | None = None
    trouble: Trouble | None = None
    message: Message | None = None
    has_data: bool = True
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """One frame's worth of facts. `is_held`: a key was pressed just now, rows must not move."""

    snapshot: Snapshot
    board: Board
    look: Look
    badge: Badge
    is_held: bool = False

    def marks(self, function_id: int) -> tuple[Mark, ...] | None:
        """Return a function's last runs, None before they have been read."""
        return self.snapshot.marks.get(function_id)

    def details(self, function_id: int) -> FunctionDetails | None:
        """Return what the list does not need of a function, None before it has been read."""
        return self.snapshot.details.get(function_id)
