"""Colours are roles: how each looks with 16 and 256 colours, selected, and without colour."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from scheduler.tui.text import SELECTED

Entry = tuple[str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Role:
    """One meaning. `basic`: 16 colours; `selected`: 256 on the row bar; `grey`: 256 instead."""

    basic: str
    selected: str
    mono: str = "default"
    grey: str = ""


_GREY = "dark gray"

# The terminal's own colours suit its own background; only greys are set, since many a terminal's
# "dark gray" cannot be read, and the row bar, where foreground and background are both ours.
_DARK: Mapping[str, Role] = {
    "text": Role("default", "#fff"),
    "name": Role("default", "#fff,bold"),
    "strong": Role("default,bold", "#fff,bold", mono="bold"),
    "dim": Role(_GREY, "#ccc", grey="g56"),
    "ok": Role("dark green", "#8f8"),
    "fail": Role("light red,bold", "#f88,bold", mono="bold"),
    "warn": Role("brown,bold", "#fd6,bold", mono="bold"),
    "run": Role("dark cyan", "#8ff"),
    "new": Role("dark magenta", "#faf"),
    "off": Role(_GREY, "#ccc", grey="g56"),
    "soon": Role("default,bold", "#fff,bold", mono="bold"),
    "history": Role(_GREY, "#ccc", grey="g56"),
    "error": Role("light red,bold", "#f88,bold", mono="bold"),
    "figure": Role("default,bold", "#fff,bold", mono="bold"),
    "bars": Role("dark cyan", "#8ff"),
    "border": Role(_GREY, "#ccc", grey="g56"),
    "focus": Role("dark cyan", "#8ff", mono="bold"),
    "key": Role("dark cyan,bold", "#8ff,bold", mono="bold"),
    "heading": Role(_GREY, "#ccc", mono="underline", grey="g56"),
}

_LIGHT: Mapping[str, Role] = {
    name: replace(
        role,
        basic=role.basic.replace("light red", "dark red"),
        selected=role.selected.replace("#f88", "#fbb"),
        grey=role.grey and "g45",
    )
    for name, role in _DARK.items()
}

THEMES: Mapping[str, tuple[Mapping[str, Role], str]] = {
    "dark": (_DARK, "g27"),
    "light": (_LIGHT, "#068"),
    "mono": (_DARK, "default"),
}

ROLES = tuple(_DARK)


def palette(theme: str) -> list[Entry]:
    """Return urwid's palette: every role, plain and selected, and the badge.

    The background is the terminal's own, except where foreground and background are both set.
    """
    roles, bar = THEMES[theme]
    entries: list[Entry] = [
        (name, role.basic, "default", role.mono, role.grey or role.basic, "default")
        for name, role in roles.items()
    ]
    entries += [
        (name + SELECTED, "default,standout", "default", "standout", role.selected, bar)
        for name, role in roles.items()
    ]
    badge = ("white,bold", "dark cyan", "standout,bold", "#fff,bold", "#068")
    return [*entries, ("badge", *badge), ("badge" + SELECTED, *badge)]


def choose_theme(asked: str | None, environ: Mapping[str, str]) -> str:
    """Return the theme to use: the one asked for, mono with NO_COLOR, else by COLORFGBG.

    COLORFGBG is "foreground;background" as rxvt, Konsole and iTerm set it; 7 and 15 are light.
    """
    if environ.get("NO_COLOR"):
        return "mono"
    if asked:
        return asked
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return "light" if background in {"7", "15"} else "dark"
