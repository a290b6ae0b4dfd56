"""What the user is asked on the line above the footer: a filter text, or yes or no."""

from collections.abc import Callable
from typing import Protocol

from scheduler.tui.glyphs import Glyphs
from scheduler.tui.text import Line, clean


class Prompt(Protocol):
    """A question that takes all keys until it is done."""

    def line(self, glyphs: Glyphs) -> Line: ...
    def press(self, key: str) -> bool:
        """Take a key; True when the question is answered."""
        ...

    def paste(self, text: str) -> None: ...


class FilterPrompt:
    """Edits the filter; every letter takes effect at once."""

    def __init__(self, text: str, changed: Callable[[str], None]) -> None:
        self._text = text
        self._changed = changed

    def line(self, glyphs: Glyphs) -> Line:
        """Return the text with its caret and what the keys do."""
        return [
            ("key", " / "),
            ("strong", clean(self._text)),
            ("key", glyphs.caret),
            ("dim", "   substring of name, file or state"),
            ("dim", f" {glyphs.dot} enter keep {glyphs.dot} esc clear"),
        ]

    def press(self, key: str) -> bool:
        """Edit the text; enter keeps it, escape clears it."""
        match key:
            case "enter":
                return True
            case "esc":
                self._change("")
                return True
            case "backspace" | "ctrl h":
                self._change(self._text[:-1])
            case "ctrl u":
                self._change("")
            case "ctrl w":
                self._change(self._text.rstrip().rpartition(" ")[0])
            case _ if len(key) == 1 and key.isprintable():
                self._change(self._text + key)
        return False

    def paste(self, text: str) -> None:
        """Add pasted text on one line."""
        self._change(self._text + clean(text))

    def _change(self, text: str) -> None:
        self._text = text
        self._changed(text)


class Confirm:
    """Asks before something is done that cannot be undone; anything but y means no."""

    def __init__(self, question: str, confirmed: Callable[[], None]) -> None:
        self._question = question
        self._confirmed = confirmed

    def line(self, glyphs: Glyphs) -> Line:
        """Return the question."""
        return [
            ("warn", f" {glyphs.warn} {clean(self._question)}  "),
            ("key", "y"),
            ("dim", " yes  "),
            ("key", "any other key"),
            ("dim", " no"),
        ]

    def press(self, key: str) -> bool:
        """Do it on y."""
        if key in {"y", "Y"}:
            self._confirmed()
        return True

    def paste(self, text: str) -> None:
        """Ignore pasted text: it is no answer."""
