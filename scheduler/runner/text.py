"""Makes text of user code fit to store: bounded, with names users know, and no lone surrogates."""

import re
import reprlib
from typing import Any

from scheduler.runner.loading import PACKAGE_PREFIX

RESULT_LIMIT = 4_000  # characters
MESSAGE_LIMIT = 4_000
TRACEBACK_LIMIT = 32_000

_PRIVATE_PACKAGE = re.compile(rf"\b{PACKAGE_PREFIX}[0-9a-f]{{8}}(\.?)")


def clean(text: str) -> str:
    """Replace what databases and terminals cannot take, NUL and lone surrogates, by U+FFFD."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "\ufffd")


def with_known_names(text: str) -> str:
    """Return a text that Python has made of user code with its modules named from the scan path.

    The scan path itself, as in `from . import helper`, is a dot.
    """
    if PACKAGE_PREFIX not in text:
        return text
    return _PRIVATE_PACKAGE.sub(lambda found: "" if found[1] else ".", text)


def bounded(text: str, limit: int) -> str:
    """Keep the head and the tail of `text` so that it has about `limit` characters."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"


def describe_value(value: object) -> str:
    """Return a bounded repr of anything, also of what is huge or cannot be represented."""
    try:
        text = _describer.repr(value)
    except BaseException as error:  # noqa: BLE001 - a user's __repr__ may raise anything
        text = f"<{type(value).__name__}: its repr() raised {type(error).__name__}>"
    return with_known_names(bounded(text, RESULT_LIMIT))


class _Describer(reprlib.Repr):
    """reprlib with limits that leave everyday values whole, and dicts and sets in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 8
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = 200
        self.maxfrozenset = self.maxdeque = self.maxarray = 200
        self.maxstring = self.maxlong = self.maxother = RESULT_LIMIT

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        if level <= 0:
            return "{...}" if x else "{}"
        pairs = zip(range(self.maxdict), x.items(), strict=False)
        parts = [f"{self.repr1(k, level - 1)}: {self.repr1(v, level - 1)}" for _, (k, v) in pairs]
        if len(x) > self.maxdict:
            parts.append("...")
        return "{" + ", ".join(parts) + "}"

    def repr_bytes(self, x: bytes, level: int) -> str:
        return repr(x) if len(x) <= self.maxstring else f"{x[: self.maxstring]!r}..."


_describer = _Describer()
