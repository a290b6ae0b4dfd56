"""The monitor console, `scheduler tui`; what it draws with is loaded only when it starts."""

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
    """Show the console until the user quits; stdin and stdout are a terminal. Return the exit code.

    theme: "dark", "light" or "mono"; None asks the environment (NO_COLOR, COLORFGBG).
    """
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
