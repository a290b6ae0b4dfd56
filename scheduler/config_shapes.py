"""The shapes that values of the configuration take: paths made absolute, names and URLs checked."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from scheduler.cron import time_zone
from scheduler.errors import ScheduleError
from scheduler.redaction import safe_url
from scheduler.wording import did_you_mean

_DATABASE_SCHEMES = ("postgresql", "postgres")
_QUEUE_SCHEMES = ("redis", "rediss", "postgresql", "postgres")


def _absolute(text: str, base: Path) -> Path:
    try:
        return Path(os.path.abspath(base / Path(text).expanduser()))
    except RuntimeError:
        reason = "it is not known whose home ~ means; write the whole path"
        raise ValueError(f"{text!r} cannot be used: {reason}") from None


def _file(text: str, base: Path) -> Path:
    path = _absolute(text, base)
    if not path.name:
        raise ValueError(f"must be a file, not {text!r}; name one in a folder")
    return path


def _folders(texts: list[str], base: Path) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(_absolute(text, base) for text in texts))


def _zone(name: str, _base: Path) -> str:
    try:
        time_zone(name)
    except ScheduleError:
        names = sorted(available_timezones())
        hint = did_you_mean(name, names) if names else "this system has none, install tzdata"
        remedy = hint or "use an IANA name such as Europe/Berlin"
        raise ValueError(f"unknown time zone {name!r}; {remedy}") from None
    return name


def _checked_url(url: str, _base: Path, *, schemes: tuple[str, ...], instead: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError as error:
        raise ValueError(f"not a URL: {error}") from None
    if parts.scheme not in schemes:
        wanted = ", ".join(f"{scheme}://" for scheme in schemes)
        remedy = f"for SQLite set {instead} instead"
        raise ValueError(f"must begin with {wanted}, not {safe_url(url)!r}; {remedy}")
    return url


# By the name of the key: (value, folder of the file) to what `Config` has; ValueError says why not.
SHAPES: dict[str, Callable[[Any, Path], Any]] = {
    "scan_paths": _folders,
    "db_path": _file,
    "queue_path": _file,
    "timezone": _zone,
    "database_url": partial(_checked_url, schemes=_DATABASE_SCHEMES, instead="db_path"),
    "queue_url": partial(_checked_url, schemes=_QUEUE_SCHEMES, instead="queue_path"),
}
