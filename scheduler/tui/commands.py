"""What the keys do that no screen does by itself, by the action's name."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC

from scheduler.tui import actions
from scheduler.tui.console import Console
from scheduler.tui.keys import ERRORS, FUNCTIONS
from scheduler.tui.model.header import all_problems
from scheduler.tui.popups import Help, Problems
from scheduler.tui.prompts import Confirm, FilterPrompt
from scheduler.tui.screens.error import ErrorScreen
from scheduler.tui.screens.function import FunctionScreen
from scheduler.tui.screens.run import RunScreen

PACES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


def open_help(console: Console) -> None:
    """Lay the help over the screen."""
    console.popup = Help(
        console.screen.context(), console.perform, is_read_only=console.around.is_read_only
    )


def open_problems(console: Console) -> None:
    """Lay the list of problems over the screen."""
    console.popup = Problems(lambda: all_problems(console.view()))


def open_filter(console: Console) -> None:
    """Ask for a filter; it is the functions that are filtered."""
    console.overview.show(0)
    console.prompt = FilterPrompt(console.overview.functions.filter, console.overview.set_filter)


def enter(console: Console) -> None:
    """Open what the cursor is on: a function, a run, the traceback of a scan error."""
    target = console.screen.target(console.view())
    if target.run and console.screen.context() != FUNCTIONS:
        console.push(RunScreen(target.run.id))
    elif target.path and console.screen.context() == ERRORS:
        console.push(ErrorScreen(target.path))
    elif target.function and not isinstance(console.screen, FunctionScreen):
        console.push(FunctionScreen(target.function.id))


def back(console: Console) -> None:
    """Go back one screen."""
    console.pop()


def next_failing(console: Console) -> None:
    """Go to the next failing function; its details stay details."""
    found = console.overview.next_failing(console.view())
    if found is None:
        is_all = len(console.overview.functions.rows.keys) == len(console.view().board.entries)
        console.say("nothing fails" if is_all else "nothing that is shown fails")
    elif isinstance(console.screen, FunctionScreen):
        console.pop()
        console.push(FunctionScreen(found))


def run_now(console: Console) -> None:
    """Queue a run of the function under the cursor; on a run, for that run's slot again."""
    target = console.screen.target(console.view())
    function, run = target.function, target.run
    if function and run and console.screen.context() != FUNCTIONS:
        console.request(lambda: actions.run_again(console.around.actions, function, run))
    elif function:
        console.request(lambda: actions.run_now(console.around.actions, function))


def pause(console: Console) -> None:
    """Pause or resume the function under the cursor."""
    function = console.screen.target(console.view()).function
    if function:
        console.request(lambda: actions.toggle_pause(console.around.actions, function))


def cancel(console: Console) -> None:
    """Ask, then cancel the run under the cursor or the function's running one."""
    target = console.screen.target(console.view())
    run = target.run
    if run is None or run.status not in {"running", "queued"}:
        console.say("nothing runs here", is_bad=True)
        return
    name = target.function.name if target.function else f"run {run.id}"
    console.prompt = Confirm(
        f"cancel run {run.id} of {name}?",
        lambda: console.request(lambda: actions.cancel(console.around.actions, run)),
    )


def stack(console: Console) -> None:
    """Ask the run under the cursor where it is, and show the answer when it comes."""
    run = console.screen.target(console.view()).run
    if run is None or run.status != "running":
        console.say("nothing runs here", is_bad=True)
        return
    console.request(lambda: actions.ask_stack(console.around.actions, run))
    screen = console.screen if isinstance(console.screen, RunScreen) else RunScreen(run.id)
    screen.show_stack()
    if screen is not console.screen:
        console.push(screen)


def copy(console: Console) -> None:
    """Copy the row, or the traceback where one is shown."""
    text = console.screen.target(console.view()).text
    if text:
        console.around.terminal.copy(text)
        rows = text.count("\n") + 1
        console.say(f"copied {rows} lines" if rows > 1 else f"copied: {text}")


def edit(console: Console) -> None:
    """Open the source under the cursor in $EDITOR."""
    target = console.screen.target(console.view())
    if target.path:
        problem = console.around.terminal.edit(target.path, target.line)
        console.say(problem or f"edited {target.path}", is_bad=bool(problem))


def next_clock(console: Console) -> None:
    """Go through relative and clock times, UTC and local unless that is the same."""
    local = console.around.local_zone
    modes = [(False, UTC), (True, UTC), (True, local), (False, local)]
    if replace(console.view().look, zone=local).zone_name() == "UTC":
        modes = modes[:2]
    index = (modes.index((console.is_clock, console.zone)) + 1) % len(modes)
    console.is_clock, console.zone = modes[index]
    kind = "clock" if console.is_clock else "relative"
    console.say(f"{kind} times, {console.view().look.zone_name()}")


def faster(console: Console) -> None:
    """Refresh at the next shorter pace."""
    now = console.refresh_seconds  # which the configuration may have set beyond all of them
    _pace(console, max((pace for pace in PACES if pace < now), default=now))


def slower(console: Console) -> None:
    """Refresh at the next longer pace."""
    now = console.refresh_seconds
    _pace(console, min((pace for pace in PACES if pace > now), default=now))


def refresh(console: Console) -> None:
    """Read the database at once."""
    console.around.source.refresh()
    console.say("refreshed")


def toggle_mouse(console: Console) -> None:
    """Take the mouse, or leave it to the terminal for selecting text."""
    console.has_mouse = not console.has_mouse
    console.around.terminal.set_mouse(console.has_mouse)
    console.say(f"mouse {'on' if console.has_mouse else 'off: the terminal selects text'}")


def _pace(console: Console, seconds: float) -> None:
    console.refresh_seconds = seconds
    console.around.source.pace(seconds)
    console.say(f"refreshing every {seconds:g}s")


COMMANDS: Mapping[str, Callable[[Console], None]] = {
    "help": open_help,
    "problems": open_problems,
    "filter": open_filter,
    "enter": enter,
    "back": back,
    "next_failing": next_failing,
    "run_now": run_now,
    "pause": pause,
    "cancel": cancel,
    "stack": stack,
    "copy": copy,
    "edit": edit,
    "freeze": Console.toggle_freeze,
    "clock": next_clock,
    "faster": faster,
    "slower": slower,
    "refresh": refresh,
    "mouse": toggle_mouse,
    "redraw": lambda console: console.around.terminal.redraw(),
    "quit": lambda console: console.around.terminal.quit(),
}
