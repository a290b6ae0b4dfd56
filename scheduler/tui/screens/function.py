"""The details of a function: its facts, its runs, and the text of the selected run."""

from scheduler.tui.keys import FUNCTION
from scheduler.tui.model.facts import fact_lines
from scheduler.tui.model.frame import notice, rule
from scheduler.tui.model.function_facts import left_facts, right_facts
from scheduler.tui.model.header import all_problems, title_line
from scheduler.tui.model.run_text import copied_text, run_text
from scheduler.tui.screens.contract import Target
from scheduler.tui.screens.lists import move
from scheduler.tui.screens.pane import SCROLLS, TextPane
from scheduler.tui.screens.runs import RunList
from scheduler.tui.screens.targets import function_target, run_target
from scheduler.tui.snapshot import Interest
from scheduler.tui.text import Line, block, exact
from scheduler.tui.view import View

_LEAST_ROWS = 4  # of runs, before facts give way


class FunctionScreen:
    """One function, opened from a row of the overview."""

    def __init__(self, function_id: int, *, run_id: int | None = None) -> None:
        self.function_id = function_id
        self.runs = RunList(function_id=function_id)
        self._pane = TextPane()
        self._is_reading = False
        self._is_zoomed = False
        self._shown_run: int | None = run_id
        self._runs_at = range(0)
        self._text_at = range(0)

    def context(self) -> str:
        """Return the keys of function details."""
        return FUNCTION

    def interest(self) -> Interest:
        """Return the function, its runs, and the run whose text is shown."""
        run = self.runs.selected_run()
        return Interest(
            visible=(self.function_id,),
            function_id=self.function_id,
            function_runs=self.runs.window,
            run_id=run.id if run else self._shown_run,
        )

    def render(self, view: View, width: int, height: int) -> list[Line]:
        """Return crumbs, facts, runs and text, as many as there is room for."""
        if view.snapshot.interest.function_runs == self.runs.window:
            self.runs.take(view.snapshot.function_runs, is_held=view.is_held)
        head = [self._crumbs(view, width)]
        entry = view.board.entries.get(self.function_id)
        if entry is None:
            return block(
                [*head, *notice(["this function is gone"], width, height - 1)], width, height
            )
        ellipsis = view.look.glyphs.ellipsis
        details, stats = view.details(self.function_id), view.snapshot.stats
        marks = view.marks(self.function_id) or ()
        facts = fact_lines(
            left_facts(entry, details, view.look),
            right_facts(entry, details, stats=stats, marks=marks, look=view.look),
            width,
            ellipsis,
            leading=1,
        )
        if height >= 24:
            facts = [[], *facts, []]
        room = max(height - len(head) - 2 * _LEAST_ROWS, 0)
        facts = [] if self._is_zoomed else facts[:room]
        rest = height - len(head) - len(facts)
        return block(
            [*head, *facts, *self._lists(view, width, rest, len(head) + len(facts))], width, height
        )

    def act(self, action: str, view: View) -> bool:
        """Move in the runs or in the text."""
        if action in SCROLLS:
            if self._is_reading:
                self._pane.move(action)
            else:
                move(self.runs, action)
        elif action == "next_panel":
            self._is_reading = not self._is_reading
            self.runs.rows.pin()  # what one reads must not give way to a newer run
        elif action == "zoom":
            self._is_zoomed = not self._is_zoomed
        elif action == "failing":
            self.runs.toggle_failing()
        else:
            return False
        return True

    def target(self, view: View) -> Target:
        """Return the selected run, its text what `copy` copies."""
        entry = view.board.entries.get(self.function_id)
        if entry is None:
            return Target()
        run = self.runs.selected_run()
        if run is None:
            return function_target(entry, view)
        found = run_target(run, view)
        details = view.snapshot.run
        text = copied_text(details) if details and details.run.id == run.id else found.text
        return Target(found.function, run, found.path, found.line, text)

    def click(self, x: int, y: int, view: View) -> bool:
        """Select the run at a place, or turn to the text."""
        self._is_reading = y in self._text_at
        if y not in self._runs_at:
            return False
        index = self.runs.rows.top + y - self._runs_at.start
        if index >= len(self.runs.rows.keys):
            return False
        self.runs.move(index - self.runs.rows.index)
        return True

    def wheel(self, x: int, y: int, amount: int) -> None:
        """Scroll the runs or the text."""
        if y in self._text_at:
            self._pane.scroll(amount)
        else:
            self.runs.move(amount)

    def _crumbs(self, view: View, width: int) -> Line:
        crumbs = ["functions", view.board.name(self.function_id)]
        return title_line(view, width, crumbs, all_problems(view))

    def _lists(self, view: View, width: int, rows: int, y: int) -> list[Line]:
        """Return the runs above the selected run's text; zoomed or low, the focused one only."""
        self._runs_at = self._text_at = range(0)
        if rows < 2 * _LEAST_ROWS or self._is_zoomed:
            part = self._text if self._is_reading else self._runs
            return part(view, width, rows, y) if rows > 0 else []
        needed = max(len(self._text_lines(view)) + 1, _LEAST_ROWS)
        unused = rows - max(len(self.runs.page.runs) + 1, _LEAST_ROWS)
        text_rows = min(needed, max(rows // 2, unused))
        upper = rows - text_rows
        return [*self._runs(view, width, upper, y), *self._text(view, width, text_rows, y + upper)]

    def _runs(self, view: View, width: int, rows: int, y: int) -> list[Line]:
        title: Line = [("strong", "Runs")]
        if self.runs.window.is_failing:
            title.append(("fail", "  failing only"))
        head = rule(
            "", title, self.runs.aside(), width, view.look.glyphs, is_focused=not self._is_reading
        )
        self._runs_at = range(y + 1, y + rows)
        body = (
            self.runs.render(view, width, rows - 1, is_focused=not self._is_reading, has_name=False)
            if rows > 1
            else []
        )
        return block([head, *body], width, rows)

    def _text(self, view: View, width: int, rows: int, y: int) -> list[Line]:
        run = self.runs.selected_run()
        title: Line = [("strong", f"Run {run.id}" if run else "Run")]
        head = rule("", title, "", width, view.look.glyphs, is_focused=self._is_reading)
        self._text_at = range(y, y + rows)
        body = self._pane.render(self._text_lines(view), view, width, rows - 1) if rows > 1 else []
        return block([exact(head, width), *body], width, rows)

    def _text_lines(self, view: View) -> list[Line]:
        run, details = self.runs.selected_run(), view.snapshot.run
        if run is None:
            return []
        if run.id != self._shown_run:
            self._shown_run, self._pane = run.id, TextPane()
        if details is None or details.run.id != run.id:
            return []
        return run_text(details, view.look)
