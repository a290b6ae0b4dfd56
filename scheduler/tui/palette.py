"""Colours are roles: how each looks with 16 and 256 colours, selected, and without colour."""

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.tui.text import SELECTED

Entry = tuple[str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Role:
    """One meaning. `basic`: 16 colours; `high`: 256 colours; `selected`: 256 on the row bar."""

    basic: str
    high: str
    selected: str
    mono: str = "default"


_DARK: Mapping[str, Role] = {
    "text": Role("default", "default", "#fff"),
    "strong": Role("default,bold", "default,bold", "#fff,bold", "bold"),
    "dim": Role("dark gray", "g56", "#ccc"),
    "ok": Role("dark green", "#6a6", "#8f8"),
    "fail": Role("light red,bold", "#f66,bold", "#f88,bold", "bold"),
    "warn": Role("brown,bold", "#da3,bold", "#fd6,bold", "bold"),
    "run": Role("dark cyan", "#3bc", "#8ff"),
    "new": Role("dark magenta", "#a8f", "#faf"),
    "off": Role("dark gray", "g56", "#ccc"),
    "soon": Role("default,bold", "default,bold", "#fff,bold", "bold"),
    "history": Role("dark gray", "g56", "#ccc"),
    "error": Role("light red,bold", "#f66,bold", "#f88,bold", "bold"),
    "figure": Role("default,bold", "default,bold", "#fff,bold", "bold"),
    "bars": Role("dark cyan", "#3bc", "#8ff"),
    "border": Role("dark gray", "g56", "#ccc"),
    "focus": Role("dark cyan", "#3bc", "#8ff", "bold"),
    "key": Role("dark cyan,bold", "#3bc,bold", "#8ff,bold", "bold"),
    "heading": Role("dark gray", "g56", "#ccc", "underline"),
}

# Only what differs on a light background; the rest are the terminal's own colours.
_LIGHT: Mapping[str, Role] = {
    "dim": Role("dark gray", "g45", "#ccc"),
    "ok": Role("dark green", "#060", "#8f8"),
    "fail": Role("dark red,bold", "#a00,bold", "#fbb,bold", "bold"),
    "warn": Role("brown,bold", "#860,bold", "#fd6,bold", "bold"),
    "run": Role("dark cyan", "#068", "#8ff"),
    "new": Role("dark magenta", "#60a", "#faf"),
    "off": Role("dark gray", "g45", "#ccc"),
    "history": Role("dark gray", "g45", "#ccc"),
    "error": Role("dark red,bold", "#a00,bold", "#fbb,bold", "bold"),
    "bars": Role("dark cyan", "#068", "#8ff"),
    "border": Role("dark gray", "g45", "#ccc"),
    "focus": Role("dark cyan", "#068", "#8ff", "bold"),
    "key": Role("dark cyan,bold", "#068,bold", "#8ff,bold", "bold"),
    "heading": Role("dark gray", "g45", "#ccc", "underline"),
}

THEMES: Mapping[str, tuple[Mapping[str, Role], str]] = {
    "dark": (_DARK, "g27"),
    "light": ({**_DARK, **_LIGHT}, "#068"),
    "mono": (_DARK, "default"),
}

ROLES = tuple(_DARK)


def palette(theme: str) -> list[Entry]:
    """Return urwid's palette: every role, plain and selected, and the badge.

    The background is the terminal's own, except where foreground and background are both set.
    """
    roles, bar = THEMES[theme]
    entries: list[Entry] = [
        (name, role.basic, "default", role.mono, role.high, "default")
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
