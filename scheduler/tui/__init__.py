"""The monitor console, `scheduler tui`; what it draws with is loaded only when it starts."""

import gc
import sys

from scheduler.config import Config
from scheduler.errors import UsageError


def run_console(
    config: Config,
    *,
    read_only: bool = False,
    ascii: bool = False,
    theme: str | None = None,
    mouse: bool = True,
) -> int:
    """Show the console on this terminal until the user quits; return the exit code.

    theme: "dark", "light" or "mono"; None asks the environment (NO_COLOR, COLORFGBG).
    Raises UsageError when stdin or stdout is not a terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the console needs a terminal; use `scheduler status [--json]`")
    gc.disable()  # what is imported stays: to look for garbage in it is a tenth of the start
    from scheduler.tui.splash import splash

    with splash():
        from scheduler.tui.lean import load_urwid

        load_urwid()
        from scheduler.tui.app import App

        app = App(config, read_only=read_only, ascii=ascii, theme=theme, mouse=mouse)
    gc.freeze()
    gc.enable()
    app.run()
    return 0
