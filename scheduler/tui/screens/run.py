"""The details of a run: its facts, and everything it said; live while it runs."""

from scheduler.db.console_rows import RunDetails
from scheduler.tui.keys import RUN
from scheduler.tui.model.facts import fact_lines
from scheduler.tui.model.frame import notice, rule
from scheduler.tui.model.header import all_problems, title_line
from scheduler.tui.model.run_text import copied_text, left_facts, right_facts, run_text
from scheduler.tui.screens.contract import Target
from scheduler.tui.screens.pane import SCROLLS, TextPane
from scheduler.tui.screens.targets import run_target
from scheduler.tui.snapshot import Interest
from scheduler.tui.text import Line, block
from scheduler.tui.view import View


class RunScreen:
    """One attempt, opened from a list of runs."""

    def __init__(self, run_id: int) -> None:
        self.run_id = run_id
        self._pane: TextPane | None = None
        self._is_zoomed = False

    def context(self) -> str:
        """Return the keys of run details."""
        return RUN

    def interest(self) -> Interest:
        """Return the run."""
        return Interest(run_id=self.run_id)

    def render(self, view: View, width: int, height: int) -> list[Line]:
        """Return crumbs, facts and text."""
        details = self._details(view)
        head = [self._crumbs(view, details, width)]
        if details is None:
            text = f"run {self.run_id} is not there any more"
            if view.snapshot.interest.run_id != self.run_id:
                text = "reading"
            return block([*head, *notice([text], width, height - 1)], width, height)
        facts = fact_lines(
            left_facts(details, view.board, view.look),
            right_facts(details, view.look),
            width,
            view.look.glyphs.ellipsis,
        )
        if height >= 24:
            facts = [[], *facts, []]
        facts = [] if self._is_zoomed else facts[: max(height - len(head) - 3, 0)]
        rest = height - len(head) - len(facts)
        return block([*head, *facts, *self._text(details, view, width, rest)], width, height)

    def act(self, action: str, view: View) -> bool:
        """Scroll the text, or give it the room of the facts."""
        if action == "zoom":
            self._is_zoomed = not self._is_zoomed
        elif action in SCROLLS and self._pane:
            self._pane.move(action)
        else:
            return False
        return True

    def target(self, view: View) -> Target:
        """Return the run, its text what `copy` copies."""
        details = self._details(view)
        if details is None:
            return Target()
        found = run_target(details.run, view)
        return Target(found.function, details.run, found.path, found.line, copied_text(details))

    def click(self, x: int, y: int, view: View) -> bool:
        """There are no rows to select."""
        return False

    def wheel(self, x: int, y: int, amount: int) -> None:
        """Scroll the text."""
        if self._pane:
            self._pane.scroll(amount)

    def show_stack(self) -> None:
        """Go to the top, where the stack stands that was asked for."""
        self._pane = TextPane()

    def _details(self, view: View) -> RunDetails | None:
        details = view.snapshot.run
        return details if details and details.run.id == self.run_id else None

    def _crumbs(self, view: View, details: RunDetails | None, width: int) -> Line:
        names = [view.board.name(details.run.function_id)] if details else []
        crumbs = ["functions", *names, f"run {self.run_id}"]
        return title_line(view, width, crumbs, all_problems(view))

    def _text(self, details: RunDetails, view: View, width: int, rows: int) -> list[Line]:
        if rows < 2:
            return []
        if self._pane is None:
            self._pane = TextPane(is_following=details.run.status == "running")
        head = rule(
            "",
            [("strong", "What it said")],
            "follows the end" if self._pane.is_following else "",
            width,
            view.look.glyphs,
            is_focused=True,
        )
        body = self._pane.render(run_text(details, view.look), view, width, rows - 1)
        return block([head, *body], width, rows)
