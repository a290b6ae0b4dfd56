"""How durations, distances in time and sizes are said, in every command and on the console.

Times floor and never round, so "59m 59s" is never shown as an hour; clock differences clamp at 0.
"""

import re
import signal

_MINUTE = 60
_HOUR = 3600
_DAY = 86400
# The difference of two epoch instants is off by some 0.2 µs: 100 ms would floor to 99.
_CLOCK_ERROR = 1e-6
_ID_LETTERS = 6  # 16 million: no two of a day look alike
_UNITS = ("B", "KB", "MB", "GB", "TB")
# Control characters but newline and tab, what turns the direction of writing, half a surrogate.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def duration(seconds: float) -> str:
    """Say how long something took: `808ms`, `3.4s`, `1m 04s`, `2h 05m`, `3d 04h`."""
    seconds = max(0.0, seconds)
    if seconds < 1:
        return f"{int((seconds + _CLOCK_ERROR) * 1000)}ms"
    if seconds < _MINUTE:
        tenths = int((seconds + _CLOCK_ERROR) * 10)
        return f"{tenths // 10}.{tenths % 10}s"
    return span(seconds)


def span(seconds: float) -> str:
    """Say a distance in time in whole seconds and at most two units: `12s`, `1m 40s`, `5h 59m`."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE:02}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE:02}m"
    return f"{whole // _DAY}d {whole % _DAY // _HOUR:02}h"


def ago(seconds: float) -> str:
    """Say how long ago something was: `40s ago`, `1m 40s ago`."""
    return f"{span(seconds)} ago"


def until(seconds: float) -> str:
    """Say how far off something is: `in 8s`, `in 5h 59m`, `now` within a second, `due` after."""
    if seconds < 1:
        return "due" if seconds <= 0 else "now"
    return f"in {span(seconds)}"


def short_id(process_id: str) -> str:
    """Return the name by which people tell a process of the service from others: `197c6b`."""
    return process_id[:_ID_LETTERS]


def every(seconds: float) -> str:
    """Say an interval exactly and shortly: `30s`, `5m`, `1h 30m`, `1d`, `250ms`, `1.5s`."""
    milliseconds = round(seconds * 1000)
    if abs(seconds * 1000 - milliseconds) > 1e-6:
        return f"{seconds:.6g}s"
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    whole, rest = divmod(milliseconds, 1000)
    if rest:
        return f"{milliseconds / 1000:.10g}s"
    return " ".join(_parts(whole))


def size(count: float) -> str:
    """Say a number of bytes: `512 B`, `64.0 KB`, `1.2 GB` (1 KB = 1024 B)."""
    if count < 1024:
        return f"{int(count)} B"
    for unit in _UNITS[1:]:
        count /= 1024
        if count < 1024 or unit == _UNITS[-1]:
            break
    return f"{int(count * 10) / 10:.1f} {unit}"


def plural(count: int, noun: str) -> str:
    """Say a number of things: `1 run`, `2,000 runs`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def signal_name(number: int) -> str:
    """Say which signal it was: `SIGKILL`, `real-time signal 35`."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"real-time signal {number}"


def plain(text: str) -> str:
    """Return a text in one line without control characters, safe to print in a table."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in text).strip()


def visible(text: str) -> str:
    """Return a text with its lines, but its control characters written out: `\\x1b`."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def did_you_mean(word: str, known: list[str], *, prefix: str = "") -> str:
    """Return `did you mean 'x'?` when one of the known words is close, else an empty text.

    prefix: what is put before the word that is shown.
    """
    from difflib import get_close_matches  # 3 ms that only a mistake should cost

    close = get_close_matches(word, known, n=1)
    return f"did you mean '{prefix}{close[0]}'?" if close else ""


def _parts(whole: int) -> list[str]:
    parts = []
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m"), (1, "s")):
        count, whole = divmod(whole, unit)
        if count:
            parts.append(f"{count}{name}")
    return parts


def stands_for_a_slot(scheduled_for: float, asked_at: float | None) -> bool:
    """Tell whether a run by hand is another one for an earlier slot: else its slot is its asking.

    asked_at: when its first attempt was queued.
    """
    return asked_at is not None and abs(asked_at - scheduled_for) > 0.001


def error_line(kind: str | None, message: str | None) -> str:
    """Say an error in one line, "" if there is neither a type nor a message."""
    return " ".join(": ".join(part for part in (kind, message) if part).split())
