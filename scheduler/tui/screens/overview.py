"""The overview: header, the four panels as the terminal allows, the inspector line."""

from dataclasses import dataclass, replace

from scheduler.tui.keys import PANELS, RUNS
from scheduler.tui.model.board import next_sort
from scheduler.tui.model.frame import rule, tab
from scheduler.tui.model.header import NARROW, WIDE, header
from scheduler.tui.screens.contract import Target
from scheduler.tui.screens.functions import FunctionsPanel
from scheduler.tui.screens.lists import move
from scheduler.tui.screens.panels import (
    ErrorsPanel,
    Panel,
    RunsPanel,
    WorkersPanel,
)
from scheduler.tui.snapshot import Interest
from scheduler.tui.text import Line, beside, block, cut, exact, line_width
from scheduler.tui.view import View

FULL_BODY = 12  # fewer rows than this show the focused panel only


@dataclass(frozen=True, slots=True)
class Area:
    """Where a panel was drawn, its title line included."""

    panel: Panel
    x: int
    y: int
    width: int
    height: int
    tabs: tuple[tuple[int, int], ...] = ()

    def holds(self, x: int, y: int) -> bool:
        """Tell whether a place of the screen is inside."""
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


class Overview:
    """The first screen."""

    def __init__(self) -> None:
        self.functions = FunctionsPanel()
        self.runs = RunsPanel()
        self.panels: tuple[Panel, ...] = (self.functions, self.runs, ErrorsPanel(), WorkersPanel())
        self.focus = 0
        self.is_zoomed = False
        self._lower = 1
        self._areas: list[Area] = []

    def context(self) -> str:
        """Return the focused panel's keys."""
        return PANELS[self.focus]

    def interest(self) -> Interest:
        """Return the functions on the screen and the window of recent runs."""
        shown = {area.panel.context for area in self._areas}
        return Interest(
            visible=self.functions.visible if PANELS[0] in shown else (),
            recent=self.runs.window if RUNS in shown else None,
        )

    def render(self, view: View, width: int, height: int) -> list[Line]:
        """Lay out header, panels and inspector; every size from 1x1 works."""
        for panel in self.panels:
            # Runs that nobody is among go on while keys are pressed elsewhere.
            is_held = view.is_held and panel in (self.functions, self.panels[self.focus])
            panel.update(replace(view, is_held=is_held))
        head = header(view, width, height=3 if height >= 14 else 1)
        inspector_rows = 1 if height >= 5 else 0
        rows = height - len(head) - inspector_rows
        self._areas = []
        body = self._body(view, width, rows, len(head)) if rows > 0 else []
        inspector: Line = [(None, " "), *self.panels[self.focus].inspect(view, width - 1)]
        ellipsis = view.look.glyphs.ellipsis
        lines = [*head, *body, *[cut(inspector, width, ellipsis=ellipsis)] * inspector_rows]
        return block(lines, width, height)

    def act(self, action: str, view: View) -> bool:
        """Move, focus, sort and filter."""
        panel = self.panels[self.focus]
        match action:
            case "up" | "down" | "page_up" | "page_down" | "first" | "last":
                move(panel.cursor, action)
            case "panel_1" | "panel_2" | "panel_3" | "panel_4":
                self.show(int(action[-1]) - 1)
            case "next_panel":
                self.show((self.focus + 1) % len(self.panels))
            case "zoom":
                self.is_zoomed = not self.is_zoomed
            case "back":
                return self._back()
            case "failing":
                self._toggle_failing()
            case "sort" | "reverse":
                self._order(action)
            case _:
                return False
        return True

    def target(self, view: View) -> Target:
        """Return what the focused panel's cursor is on, and keep it there: it is acted on."""
        panel = self.panels[self.focus]
        panel.rows.pin()
        return panel.target(view)

    def click(self, x: int, y: int, view: View) -> bool:
        """Focus the panel at a place; select its row, or sort by its title."""
        area = next((area for area in self._areas if area.holds(x, y)), None)
        if area is None:
            return False
        if y == area.y:
            for index, (start, end) in enumerate(area.tabs, start=1):
                if start <= x < end:
                    self.show(index)
                    return False
        self.show(self.panels.index(area.panel))
        row = y - area.y - 1
        if isinstance(area.panel, FunctionsPanel) and area.height > 3:
            if row == 0:
                area.panel.sort_at(x - area.x, view, area.width)
                return False
            row -= 1
        index = area.panel.rows.top + row
        if row < 0 or index >= len(area.panel.rows.keys):
            return False
        area.panel.cursor.move(index - area.panel.rows.index)
        return True

    def wheel(self, x: int, y: int, amount: int) -> None:
        """Scroll the panel at a place."""
        for area in self._areas:
            if area.holds(x, y):
                area.panel.cursor.move(amount)

    def show(self, index: int) -> None:
        """Focus a panel."""
        self.focus = index
        if index:
            self._lower = index

    def set_filter(self, text: str) -> None:
        """Show only the functions that match."""
        self.functions.filter = text
        self.functions.reorder()

    def next_failing(self, view: View) -> int | None:
        """Put the cursor on the next failing function, around the end; None if nothing fails."""
        self.show(0)
        rows = self.functions.rows
        for index in [*range(rows.index + 1, len(rows.keys)), *range(rows.index + 1)]:
            entry = self.functions.entry_at(view, index)
            if entry and entry.state.rank == 0:
                rows.move(index - rows.index)
                return entry.function.id
        return None

    def _body(self, view: View, width: int, rows: int, y: int) -> list[Line]:
        if self.is_zoomed or rows < FULL_BODY:
            return self._one(self.panels[self.focus], view, width, rows, 0, y)
        # Few functions leave room for the panels below; a filter does not move anything.
        unused = rows - len(view.board.entries) - 3 if view.board.entries else 0
        lower = max(rows // 3, min(unused, rows * 2 // 3))
        upper = rows - lower
        top = self._one(self.functions, view, width, upper, 0, y)
        if width >= WIDE:
            return top + self._three(view, width, lower, y + upper)
        return top + self._tabs(view, width, lower, y + upper)

    def _one(self, panel: Panel, view: View, width: int, rows: int, x: int, y: int) -> list[Line]:
        is_focused = panel is self.panels[self.focus]
        self._areas.append(Area(panel, x, y, width, rows))
        if rows < 2:
            return panel.render(view, width, rows, is_focused=is_focused)
        head = rule(
            panel.number,
            panel.title(view),
            panel.aside(),
            width,
            view.look.glyphs,
            is_focused=is_focused,
        )
        return [head, *panel.render(view, width, rows - 1, is_focused=is_focused)]

    def _three(self, view: View, width: int, rows: int, y: int) -> list[Line]:
        left_width = width * 3 // 5
        right_width = width - left_width - 1
        errors = len(view.snapshot.overview.scan_errors)
        errors_rows = max(min(max(errors + 2, 4), rows * 2 // 5), min(3, rows - 2))
        glyphs = view.look.glyphs
        left = self._one(self.runs, view, left_width, rows, 0, y)
        right = self._one(self.panels[2], view, right_width, errors_rows, left_width + 1, y)
        right += self._one(
            self.panels[3], view, right_width, rows - errors_rows, left_width + 1, y + errors_rows
        )
        seam = [glyphs.upright] * rows
        seam[0], seam[errors_rows] = glyphs.tee_down, glyphs.tee_right
        return beside(beside(left, [[("border", sign)] for sign in seam]), right)

    def _tabs(self, view: View, width: int, rows: int, y: int) -> list[Line]:
        panel = self.panels[self._lower]
        is_focused = panel is self.panels[self.focus]
        head, spans = self._tab_line(view, width, panel, is_focused=is_focused)
        self._areas.append(Area(panel, 0, y, width, rows, spans))
        return [head, *panel.render(view, width, rows - 1, is_focused=is_focused)]

    def _tab_line(
        self, view: View, width: int, shown: Panel, *, is_focused: bool
    ) -> tuple[Line, tuple[tuple[int, int], ...]]:
        glyphs = view.look.glyphs
        role = "focus" if is_focused else "border"
        stroke = glyphs.thick if is_focused else glyphs.thin
        line: Line = [(role, stroke)]
        spans = []
        for panel in self.panels[1:]:
            is_shown = panel is shown
            title = panel.title(view) if is_shown and width >= NARROW else panel.short_title(view)
            start = line_width(line)
            line += [*tab(panel.number, title, is_focused=is_focused and is_shown), (None, " ")]
            spans.append((start, line_width(line)))
            line.append((role, stroke))
        aside: Line = [(None, " "), ("dim", shown.aside()), (None, " "), (role, stroke * 2)]
        space = width - line_width(line) - line_width(aside)
        if not shown.aside() or space < 1:
            aside, space = [], width - line_width(line)
        return exact([*line, (role, stroke * max(space, 0)), *aside], width), tuple(spans)

    def _back(self) -> bool:
        if self.functions.filter or self.functions.is_failing:
            self.functions.filter, self.functions.is_failing = "", False
            self.functions.reorder()
        elif self.is_zoomed:
            self.is_zoomed = False
        else:
            self.show(0)
        return True

    def _toggle_failing(self) -> None:
        if self.panels[self.focus] is self.runs:
            self.runs.toggle_failing()
            return
        self.functions.is_failing = not self.functions.is_failing
        self.functions.reorder()

    def _order(self, action: str) -> None:
        functions = self.functions
        if action == "sort":
            functions.sort = next_sort(functions.sort)
            functions.is_reversed = False
        else:
            functions.is_reversed = not functions.is_reversed
        functions.reorder()
