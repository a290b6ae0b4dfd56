"""A list of runs of any length: it holds one window of them and asks for the next in time."""

from dataclasses import replace

from scheduler.db.console_rows import RunPage, RunRow
from scheduler.tui.model.frame import notice, scrolled
from scheduler.tui.model.inspector import inspect_run
from scheduler.tui.model.runs import run_line
from scheduler.tui.rows import Rows
from scheduler.tui.snapshot import Window
from scheduler.tui.text import Line
from scheduler.tui.view import View

MARGIN = 50  # ask for more when this few rows remain before the window's end


class RunList:
    """Runs newest first; the cursor stays on its run while newer ones arrive."""

    def __init__(self, *, function_id: int | None = None) -> None:
        self.rows = Rows()
        self.window = Window(function_id=function_id)
        self.page = RunPage()
        self._taken_window: Window | None = None
        self._goes_to_end = False

    def take(self, page: RunPage, *, is_held: bool = False) -> None:
        """Take a window that was read; held, a list that follows the newest keeps still."""
        is_same_window = self._taken_window == self.window
        if page is self.page or (is_held and is_same_window and not self.rows.is_pinned):
            return
        self.page, self._taken_window = page, self.window
        self.rows.replace([run.id for run in page.runs])
        if self._goes_to_end and self.window.is_oldest:
            self._goes_to_end = False
            self.rows.move(len(page.runs))

    def update(self, view: View) -> None:
        """Take the recent runs of a snapshot if they are the ones asked for."""
        if view.snapshot.interest.recent == self.window:
            self.take(view.snapshot.recent, is_held=view.is_held)

    @property
    def height(self) -> int:
        """How many rows were on the screen."""
        return self.rows.height

    def move(self, amount: int) -> None:
        """Move the cursor; near an end of the window, ask for the one around the cursor."""
        self.rows.move(amount)
        run = self.selected_run()
        if run is None:
            return
        left = len(self.page.runs) - self.rows.index
        oldest = self.page.runs[-1].id
        wants_older = left < MARGIN and oldest != self.page.oldest_id
        wants_newer = self.rows.index < MARGIN and self.page.runs[0].id != self.page.newest_id
        if wants_older or wants_newer:
            self.window = replace(self.window, around_id=run.id, is_oldest=False)

    def first(self) -> None:
        """Go to the newest run and follow it."""
        self.window = replace(self.window, around_id=None, is_oldest=False)
        self.rows.first()

    def last(self) -> None:
        """Go to the oldest run."""
        self.window = replace(self.window, around_id=None, is_oldest=True)
        if self._taken_window == self.window:
            self.rows.move(len(self.page.runs))
        else:
            self._goes_to_end = True

    def toggle_failing(self) -> None:
        """Show failing runs only, or all again."""
        self.window = replace(
            self.window, is_failing=not self.window.is_failing, around_id=None, is_oldest=False
        )
        self.rows.first()

    def aside(self) -> str:
        """Return the order."""
        return "newest first"

    def selected_run(self) -> RunRow | None:
        """Return the run under the cursor."""
        return self.page.runs[self.rows.index] if self.page.runs else None

    def render(
        self, view: View, width: int, height: int, *, is_focused: bool, has_name: bool = True
    ) -> list[Line]:
        """Return the rows that fit."""
        if not self.page.runs:
            text = "no failing runs" if self.window.is_failing else "no runs yet"
            return notice([text] if view.badge.has_data else [], width, height)
        shown = self.rows.window(height)
        lines = [
            run_line(self.page.runs[index], view.board, view.look, width - 2, has_name=has_name)
            for index in shown
        ]
        return scrolled(
            lines,
            width,
            height,
            view.look.glyphs,
            selected=self.rows.index - shown.start if is_focused else None,
            position=self._position(shown.start, height),
            share=self._share(height),
        )

    def inspect(self, view: View, room: int) -> Line:
        """Return the run under the cursor in full."""
        run = self.selected_run()
        return inspect_run(run, view, room) if run else []

    def _position(self, top: int, height: int) -> float:
        """How far down the whole list the screen is, by time: counting a million rows is slow."""
        page = self.page
        if page.newest_at <= page.oldest_at or self._is_whole():
            return top / max(len(page.runs) - height, 1)
        down = (page.newest_at - page.runs[top].shown_at) / (page.newest_at - page.oldest_at)
        return min(max(down, 0.0), 1.0)

    def _share(self, height: int) -> float:
        if self._is_whole():
            return height / max(len(self.page.runs), 1)
        return height / max(5 * len(self.page.runs), 1)

    def _is_whole(self) -> bool:
        runs = self.page.runs
        return runs[0].id == self.page.newest_id and runs[-1].id == self.page.oldest_id
