"""What the actions of a key apply to: a function or a run, with its place in the source."""

from scheduler.db.console_rows import RunRow
from scheduler.tui.model.board import Entry
from scheduler.tui.screens.contract import Target
from scheduler.tui.view import View


def function_target(entry: Entry, view: View) -> Target:
    """Return a function as a target; its text is what one would paste into a ticket."""
    function = entry.function
    marks = view.marks(function.id) or ()
    error = marks[-1].error if marks else ""
    path = f"{function.scan_path}/{function.module_path}"
    text = f"{function.name}  {path}:{function.line}  {entry.state.word}  {error}".rstrip()
    run = entry.running[0] if entry.running else None
    return Target(function=function, run=run, path=path, line=function.line, text=text)


def run_target(run: RunRow, view: View) -> Target:
    """Return a run as a target, with its function's place."""
    entry = view.board.entries.get(run.function_id)
    if entry is None:
        return Target(run=run, text=run.error)
    place = function_target(entry, view)
    text = f"run {run.id}  {place.function.name if place.function else ''}  {run.status}"
    text = f"{text}  {run.error}".rstrip()
    return Target(function=place.function, run=run, path=place.path, line=place.line, text=text)
