"""The details of a scan error: the file, since when, and the traceback of its import."""

from scheduler.db.console_rows import ScanErrorRow
from scheduler.tui.keys import ERROR
from scheduler.tui.model.frame import notice, rule
from scheduler.tui.model.header import all_problems, title_line
from scheduler.tui.model.inspector import inspect_error
from scheduler.tui.model.run_text import traceback_lines
from scheduler.tui.screens.contract import Target
from scheduler.tui.screens.pane import SCROLLS, TextPane
from scheduler.tui.snapshot import Interest
from scheduler.tui.text import Line, block, clean, cut
from scheduler.tui.view import View


class ErrorScreen:
    """One file that cannot be scanned, until it is mended."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._pane = TextPane()

    def context(self) -> str:
        """Return the keys of a scan error."""
        return ERROR

    def interest(self) -> Interest:
        """Return nothing: the overview has it all."""
        return Interest()

    def render(self, view: View, width: int, height: int) -> list[Line]:
        """Return crumbs, the error in one line, and its traceback."""
        glyphs = view.look.glyphs
        crumbs = ["scan errors", view.look.short(self._path)]
        head = [title_line(view, width, crumbs, all_problems(view)), []]
        error = self._error(view)
        if error is None:
            texts = [f"{clean(self._path)} is mended"]
            return block([*head, *notice(texts, width, height - 2)], width, height)
        summary: Line = [(None, " "), *inspect_error(error, view.look)]
        head += [cut(summary, width, ellipsis=glyphs.ellipsis), []]
        head.append(rule("", [("strong", "Traceback")], "", width, glyphs, is_focused=True))
        rows = max(height - len(head), 1)
        body = self._pane.render(traceback_lines(error.traceback), view, width, rows)
        return block([*head, *body], width, height)

    def act(self, action: str, view: View) -> bool:
        """Scroll the traceback."""
        if action not in SCROLLS:
            return False
        self._pane.move(action)
        return True

    def target(self, view: View) -> Target:
        """Return the file and its traceback."""
        error = self._error(view)
        line = error.line or 1 if error else 1
        return Target(path=self._path, line=line, text=error.traceback if error else self._path)

    def click(self, x: int, y: int, view: View) -> bool:
        """There are no rows to select."""
        return False

    def wheel(self, x: int, y: int, amount: int) -> None:
        """Scroll the traceback."""
        self._pane.scroll(amount)

    def _error(self, view: View) -> ScanErrorRow | None:
        errors = view.snapshot.overview.scan_errors
        return next((error for error in errors if error.path == self._path), None)
