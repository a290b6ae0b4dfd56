"""How commands print: aligned tables, roles for colours, JSON; plain unless it is a terminal."""

import json
import os
import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TextIO

from scheduler.wording import plain

# What a colour means, as on the console.
ROLES = {
    "ok": "32",
    "bad": "1;31",
    "warn": "33",
    "busy": "36",
    "new": "35",
    "dim": "2",
    "bold": "1",
}
LEAST_CELLS = 8  # a flexible column gives way down to this


@dataclass(frozen=True, slots=True)
class Cell:
    """One text of a table and the role that colours it."""

    text: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title; numbers and times stand right, the flexible one gives way to the rest."""

    title: str
    right: bool = False
    flexible: bool = False


class Screen:
    """Standard output: coloured and cut to its width on a terminal, plain and whole in a pipe."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream = stream
        self.is_terminal = stream.isatty()
        dumb = environ.get("TERM") == "dumb" or bool(environ.get("NO_COLOR"))
        self.has_color = self.is_terminal and not dumb
        self.width = shutil.get_terminal_size((80, 24)).columns if self.is_terminal else None

    def line(self, text: str = "") -> None:
        """Print one line."""
        self._stream.write(f"{text}\n")

    def text(self, text: str) -> None:
        """Print text as it is and show it at once."""
        self._stream.write(text)
        self._stream.flush()

    def paint(self, text: str, role: str) -> str:
        """Return the text in the colour of its role."""
        return f"\x1b[{ROLES[role]}m{text}\x1b[0m" if role and text and self.has_color else text

    def json(self, value: Any) -> None:
        """Print dataclasses, lists and plain values as JSON."""
        self.line(json.dumps(value, default=_plain_value, indent=2, ensure_ascii=False))

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        """Print aligned columns under their titles; the flexible column is cut to the width."""
        titles = [Cell(column.title, "dim") for column in columns]
        lines = [titles, *([Cell(plain(c.text), c.role) for c in row] for row in rows)]
        widths = [max(cells(line[i].text) for line in lines) for i in range(len(columns))]
        self._fit(columns, widths)
        for line in lines:
            self.line(self._row(columns, widths, line))

    def _fit(self, columns: Sequence[Column], widths: list[int]) -> None:
        if self.width is None:
            return
        room = self.width - 2 * (len(widths) - 1)
        flexible = [i for i, column in enumerate(columns) if column.flexible]
        while flexible and sum(widths) > room:
            widest = max(flexible, key=lambda i: widths[i])
            if widths[widest] <= LEAST_CELLS:
                return
            widths[widest] -= 1

    def _row(self, columns: Sequence[Column], widths: list[int], line: Sequence[Cell]) -> str:
        parts = []
        for column, width, cell in zip(columns, widths, line, strict=True):
            text = cut(cell.text, width)
            padding = " " * (width - cells(text))
            shown = self.paint(text, cell.role)
            parts.append(padding + shown if column.right else shown + padding)
        return "  ".join(parts).rstrip()


def cells(text: str) -> int:
    """Count the terminal cells of a text: wide letters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def cut(text: str, width: int) -> str:
    """Return the text in at most `width` cells, with `…` where something was cut off."""
    if cells(text) <= width:
        return text
    kept = ""
    for letter in text:
        if cells(kept + letter) > width - 1:
            break
        kept += letter
    return kept + "…"


def _plain_value(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
