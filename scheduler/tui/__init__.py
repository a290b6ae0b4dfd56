"""The monitor console, `scheduler tui`; urwid is loaded only when it starts."""

import gc

from scheduler.config import Config


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
    gc.disable()  # what is imported stays: to look for garbage in it is a tenth of the start
    from scheduler.tui.app import start_console  # urwid costs 0.1 s

    gc.freeze()
    gc.enable()
    return start_console(config, read_only=read_only, ascii=ascii, theme=theme, mouse=mouse)
