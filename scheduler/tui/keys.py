"""The one table of keys: it feeds the footer, the help and palette, the dispatch and the docs."""

from dataclasses import dataclass, replace

FUNCTIONS, RUNS, ERRORS, WORKERS = "functions", "runs", "errors", "workers"
FUNCTION, RUN, ERROR = "function", "run", "error"
PANELS = (FUNCTIONS, RUNS, ERRORS, WORKERS)
EVERYWHERE = (*PANELS, FUNCTION, RUN, ERROR)
_ROWS = (FUNCTIONS, RUNS, FUNCTION, RUN)
_RUNNING = (FUNCTIONS, RUNS, WORKERS, FUNCTION, RUN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What some keys do. `hint` is its word in the footer ("" = not there); `where`: contexts."""

    action: str
    keys: tuple[str, ...]
    shown: str
    does: str
    group: str
    hint: str = ""
    hint_key: str = ""
    where: tuple[str, ...] = EVERYWHERE
    changes_data: bool = False
    is_command: bool = True  # False: makes no sense as an entry of the palette
    together: tuple[str, str, int] | None = None  # keys, text and how many share a line of the help


def _key(action: str, keys: str, shown: str, does: str, group: str, **options: object) -> Binding:
    names = tuple(name.replace("_", " ") if len(name) > 1 else name for name in keys.split())
    return Binding(action=action, keys=names, shown=shown, does=does, group=group, **options)  # type: ignore[arg-type]


# In the order of the footer; the help groups them.
BINDINGS: tuple[Binding, ...] = (
    _key("help", "?", "?", "this help and palette", "Console", hint="help",
         is_command=False),
    _key("quit", "q ctrl_c", "q ^c", "quit", "Console", hint="quit"),
    _key("back", "esc", "esc", "back, clear the filter", "Look", hint="back"),
    _key("filter", "/", "/", "filter: name, file, state", "Look", hint="filter", where=PANELS),
    _key("sort", "s", "s", "next sort order", "Look", hint="sort", where=(FUNCTIONS,)),
    _key("reverse", "S", "S", "reverse the order", "Look", where=(FUNCTIONS,)),
    _key("enter", "enter", "enter", "details", "Look", hint="details", where=(*PANELS, FUNCTION)),
    _key("run_now", "r", "r", "run now (on a run: again)", "Act", hint="run now", where=_ROWS,
         changes_data=True),
    _key("pause", "p", "p", "pause / resume", "Act", hint="pause", where=_ROWS, changes_data=True),
    _key("panel_1", "1", "1", "functions", "Move", hint="panel", hint_key="1-4", where=PANELS,
         is_command=False, together=("1-4 tab", "panel, next panel", 5)),
    _key("panel_2", "2", "2", "recent runs", "Move", where=PANELS),
    _key("panel_3", "3", "3", "scan errors", "Move", where=PANELS),
    _key("panel_4", "4", "4", "workers", "Move", where=PANELS),
    _key("next_panel", "tab", "tab", "next panel", "Move", where=(*PANELS, FUNCTION)),
    _key("zoom", "z", "z", "zoom the panel", "Look", hint="zoom",
         where=(*PANELS, FUNCTION, RUN)),
    _key("freeze", "space", "space", "freeze / resume", "Console", hint="freeze"),
    _key("cancel", "x", "x", "cancel the running run", "Act", hint="cancel", where=_RUNNING,
         changes_data=True),
    _key("stack", "w", "w", "where is it now: its stack", "Act", hint="where", where=_RUNNING,
         changes_data=True),
    _key("copy", "c", "c", "copy the row or traceback", "Look", hint="copy"),
    _key("edit", "e", "e", "source in $EDITOR", "Look", hint="edit"),
    _key("next_failing", "n", "n", "next failing function", "Look", hint="next failing",
         where=(*PANELS, FUNCTION)),
    _key("failing", "f", "f", "failing only", "Look", hint="failing only",
         where=(FUNCTIONS, RUNS, FUNCTION)),
    _key("clock", "t", "t", "relative, clock, UTC, local", "Console", hint="clock"),
    _key("problems", "!", "!", "all problems, with remedies", "Console", hint="problems"),
    _key("up", "up k", "↑ k", "row up", "Move", is_command=False,
         together=("↑↓ j k", "row up, down", 2)),
    _key("down", "down j", "↓ j", "row down", "Move", is_command=False),
    _key("page_up", "page_up ctrl_u", "PgUp ^u", "page up", "Move", is_command=False,
         together=("PgUp PgDn", "page up, down: also ^u ^d", 2)),
    _key("page_down", "page_down ctrl_d", "PgDn ^d", "page down", "Move", is_command=False),
    _key("first", "g home", "g", "first row", "Move", is_command=False,
         together=("g G", "first, last row", 2)),
    _key("last", "G end", "G", "last row", "Move", is_command=False),
    _key("faster", "+ =", "+", "refresh faster", "Console", is_command=False,
         together=("+ -", "refresh faster, slower", 2)),
    _key("slower", "-", "-", "refresh slower", "Console", is_command=False),
    _key("refresh", "u", "u", "refresh now", "Console"),
    _key("mouse", "m", "m", "mouse on / off", "Console"),
    _key("redraw", "ctrl_l", "^l", "redraw", "Console"),
)  # fmt: skip

GROUPS = ("Move", "Look", "Act", "Console")

_BY_KEY = {key: binding for binding in BINDINGS for key in binding.keys} | {
    " ": next(binding for binding in BINDINGS if binding.action == "freeze")
}


def binding_of(key: str) -> Binding | None:
    """Return what a key does, None for a key without meaning."""
    return _BY_KEY.get(key)


def hints(context: str, *, read_only: bool = False) -> list[Binding]:
    """Return the footer's hints of a context in the order of their worth; help and quit lead."""
    return [
        binding
        for binding in BINDINGS
        if binding.hint
        and context in binding.where
        and not (read_only and binding.changes_data)
        and not (binding.action == "back" and context in PANELS)
    ]


def commands(context: str, *, read_only: bool = False) -> list[Binding]:
    """Return the lines of a context's help: every binding by group, some of them together."""
    lines: list[Binding] = []
    left = 0
    for group in GROUPS:
        for binding in (binding for binding in BINDINGS if binding.group == group):
            left -= 1
            if context not in binding.where or (read_only and binding.changes_data):
                continue
            if binding.together:
                shown, does, left = binding.together
                lines.append(replace(binding, shown=shown, does=does))
            elif left <= 0:
                lines.append(binding)
    return lines


def markdown() -> str:
    """Return the table for the documentation, in the order of the help."""
    rows = [
        f"| {group} | {_code(binding.shown)} | {binding.does} |"
        for group in GROUPS
        for binding in BINDINGS
        if binding.group == group
    ]
    return "\n".join(["| | key | does |", "|---|---|---|", *rows])


def _code(shown: str) -> str:
    return " ".join(f"`{key}`" for key in shown.split())
