"""Turns events into lines of text or JSON on stderr; only this file knows how a log line looks.

Text: `2026-11-23 08:49:57.123Z INFO: discovered 1 scheduled function(s) files=1 seconds=0.21`.
JSON: one object a line: at, level, event, message where the event has one, and the event's fields.
"""

import functools
import json
import logging
import math
import sys
import traceback
from collections.abc import Mapping
from typing import Any, Protocol, TextIO

from scheduler.clock import SystemClock, utc
from scheduler.repetition import Repetitions

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
MUTE = 50
REPEAT_SECONDS = 10.0  # between two warnings or errors that say the same

# What people read in place of the event's name; fields that a sentence uses are not repeated.
MESSAGES = {
    "scan.finished": "discovered {functions} scheduled function(s)",
    "scan.broken": "a {kind} cannot be scanned, mend it; `scheduler errors` tells all",
    "scan.remarked": "a {kind} does more than define functions; `scheduler errors` tells all",
    "scan.mended": "a {kind} has no error any more",
    "ticker.started": "runner loop started",
    "preload.failed": "preload: {module} cannot be imported, every executor does without: mend it, "
    "or take it out",
    "process.refused": "the {role} refuses its configuration, as it says above: the service stops",
    "worker.draining": "stopping: {runs} run(s) may go on for {grace_seconds:g} s, "
    "a second signal cuts them off",
    "outage.over": "{place} can be used again",
    "ticker.shares": "another service works on this database: {tickers} tickers share the slots",
}

_threshold = LEVELS["info"]
_as_json = False
_stream: TextIO | None = None  # None: whatever sys.stderr is when the line is written
_repetitions = Repetitions(REPEAT_SECONDS)


class LogSettings(Protocol):
    """The part of the configuration that concerns logs."""

    @property
    def log_level(self) -> str: ...

    @property
    def log_format(self) -> str: ...


def configure_logging(config: LogSettings, stream: TextIO | None = None) -> None:
    """Set level, format and stream (default stderr), and take over what libraries log."""
    global _threshold, _as_json, _stream, _repetitions
    _threshold = LEVELS[config.log_level]
    _as_json = config.log_format == "json"
    _stream = stream
    _repetitions = Repetitions(REPEAT_SECONDS)
    root = logging.getLogger()
    root.handlers = [_Bridge()]
    # Libraries tell their every step at info: that is worth reading only when debugging.
    root.setLevel(logging.DEBUG if config.log_level == "debug" else logging.WARNING)


def mute_logging() -> None:
    """Log nothing from now on: this process draws on the terminal."""
    global _threshold
    _threshold = MUTE


def event(name: str, /, level: str = "info", **fields: Any) -> None:
    """Log that something happened; `name` is `noun.verb`, fields whose value is None are left out.

    An exception as a value is said in one line; its traceback follows in JSON and at level debug.
    A warning or an error that says the same as one before is left out for ten seconds; the first
    one after them tells how often it was `repeated`. At level debug nothing is left out.
    Never raises because of the stream: a closed stderr must not stop the service.
    """
    if LEVELS[level] < _threshold:
        return
    fields = {key: value for key, value in fields.items() if value is not None}
    clock = SystemClock()
    if LEVELS[level] >= LEVELS["warning"] and _threshold > LEVELS["debug"]:
        left_out = _repetitions.admit(_say_all(level, name, fields), clock.monotonic())
        if left_out is None:
            return
        if left_out:
            fields["repeated"] = left_out
    now = clock.now()
    line = (
        _json_line(now, level, name, fields) if _as_json else _text_line(now, level, name, fields)
    )
    stream = _stream or sys.stderr
    try:
        # One write a line: lines of several threads and processes stay whole.
        stream.write(line + "\n")
        stream.flush()
    except (OSError, ValueError, AttributeError):
        return  # nobody listens any more


class _Bridge(logging.Handler):
    """Makes events of what huey and other libraries log."""

    def emit(self, record: logging.LogRecord) -> None:
        level = next((n for n, at in reversed(LEVELS.items()) if record.levelno >= at), "debug")
        error = record.exc_info[1] if record.exc_info else None
        event("library.said", level, logger=record.name, text=record.getMessage(), error=error)


def _text_line(now: float, level: str, name: str, fields: Mapping[str, Any]) -> str:
    line = f"{_instant(now)} {_say_all(level, name, fields)}"
    if _threshold <= LEVELS["debug"]:
        errors = (value for value in fields.values() if isinstance(value, BaseException))
        line += "".join("\n" + _traceback(error) for error in errors)
    return line


def _say_all(level: str, name: str, fields: Mapping[str, Any]) -> str:
    message, rest = _say(name, fields)
    pairs = "".join(f" {key}={_text(key, value)}" for key, value in rest.items())
    return f"{level.upper()}: {message}{pairs}"


def _say(name: str, fields: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    template = MESSAGES.get(name)
    if template is None:
        return name, dict(fields)
    try:
        message = template.format_map(fields)
    except KeyError:
        return name, dict(fields)
    return message, {k: v for k, v in fields.items() if f"{{{k}}}" not in template}


def _text(key: str, value: Any) -> str:
    if isinstance(value, float):
        return _instant(value).replace(" ", "T") if _is_instant(key) else f"{value:.6g}"
    text = _summary(value) if isinstance(value, BaseException) else str(value)
    if not text or not text.isprintable() or " " in text or '"' in text or "=" in text:
        return json.dumps(text, ensure_ascii=False)
    return text


def _is_instant(key: str) -> bool:
    return key.endswith("_at") or key == "scheduled_for"


def _instant(at: float) -> str:
    try:
        second = math.floor(at)
        return f"{_second(second)}.{int((at - second) * 1000):03}Z"
    except (OverflowError, ValueError, OSError):
        return f"{at:.3f}"


@functools.lru_cache(maxsize=8)  # formatting it costs more than the rest of a line
def _second(at: int) -> str:
    return f"{utc(at):%Y-%m-%d %H:%M:%S}"


def _summary(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()


def _json_line(now: float, level: str, name: str, fields: Mapping[str, Any]) -> str:
    record: dict[str, Any] = {"at": _instant(now).replace(" ", "T"), "level": level, "event": name}
    message, _ = _say(name, fields)
    if message != name:
        record["message"] = message
    for key, value in fields.items():
        if isinstance(value, BaseException):
            record[f"{key}_traceback"] = _traceback(value)
            value = _summary(value)
        record.setdefault(key, value)
    return json.dumps(record, default=str, ensure_ascii=False)
