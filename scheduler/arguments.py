"""The checks of `@schedule`'s arguments: each returns the recorded value or raises ScheduleError.

Every message names the argument, says what was given and what to write instead. What only some
arguments need is imported where it is needed: every user file pays for `import scheduler`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from types import CodeType, FunctionType

from scheduler.errors import ScheduleError

# 100 years: nothing real is longer, and instants stay within what a calendar can show.
_MOST_SECONDS = 36525 * 86400.0
_MOST_INT = 2**31 - 1  # an integer column
_GENERATOR_FLAGS = 0x20 | 0x200  # inspect.CO_GENERATOR, CO_ASYNC_GENERATOR; inspect is slow to load


def check_seconds(argument: str, value: object, *, least: float) -> float:
    """Return a timedelta of `least` seconds to 100 years in seconds."""
    if not isinstance(value, timedelta):
        raise _wrong(argument, value, "is not a timedelta", _as_timedelta(argument, value))
    seconds = value.total_seconds()
    if seconds < least:
        what = "zero or more" if least == 0 else f"at least {timedelta(seconds=least)}"
        if seconds < 0:  # written out it would be "-1 day, 23:59:55"
            raise _wrong(argument, f"-{-value}", "is negative", f"give {what}")
        raise _wrong(argument, str(value), "is too short", f"give {what}")
    if seconds > _MOST_SECONDS:
        raise _wrong(argument, str(value), "is too long", "give at most 100 years")
    return seconds


def optional_seconds(argument: str, value: object, *, least: float) -> float | None:
    """Return a timedelta in seconds, None for None."""
    return None if value is None else check_seconds(argument, value, least=least)


def check_int(argument: str, value: object, *, least: int) -> int:
    """Return a whole number between `least` and 2147483647."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(argument, value, "is not a whole number", "give an int such as 3")
    if not least <= value <= _MOST_INT:
        raise _wrong(argument, value, "is out of range", f"give {least} to {_MOST_INT}")
    return value


def check_backoff(value: object) -> float:
    """Return the factor between two retry delays, 1 to 1000."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wrong("retry_backoff", value, "is not a number", "give a factor such as 2.0")
    if not 1 <= value <= 1000:
        raise _wrong("retry_backoff", value, "is out of range", "give 1 (constant delay) to 1000")
    return float(value)


def check_bool(argument: str, value: object) -> bool:
    """Return True or False."""
    if not isinstance(value, bool):
        raise _wrong(argument, value, "is not True or False", "give one of the two")
    return value


def check_choice(argument: str, value: object, choices: Sequence[str]) -> str:
    """Return one of the choices."""
    if not isinstance(value, str) or value not in choices:
        known = ", ".join(map(repr, choices))
        raise _wrong(argument, value, "is not known", f"give one of {known}")
    return value


def check_name(value: object) -> str | None:
    """Return a name that can be typed in a shell, None for None."""
    if value is None:
        return None
    if not isinstance(value, str) or not value or len(value) > 200:
        raise _wrong("name", value, "is not a name", "give a text of 1 to 200 characters")
    if not value[0].isalnum() or not all(c.isalnum() or c in "._-" for c in value):
        remedy = "use letters, digits, '.', '_' and '-', and begin with a letter or digit"
        raise _wrong("name", value, "cannot be typed as a name", remedy)
    return value


def check_cron(value: object) -> str | None:
    """Return a cron expression that fires at some time, None for None."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong("cron", value, "is not a text", "give an expression such as '0 7 * * *'")
    from scheduler.cron import calendar

    calendar(value, "UTC")
    return value


def check_timezone(value: object) -> str | None:
    """Return an IANA name this machine knows, None for None."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong("timezone", value, "is not a name", "give one such as 'Europe/Berlin'")
    from scheduler.cron import time_zone

    time_zone(value)
    return value


def start_text(value: object) -> str | None:
    """Return a datetime as ISO 8601, naive if it was; None for None."""
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise _wrong("start", value, "is not a datetime", "give one such as datetime(2026, 1, 1)")
    if not 1970 <= value.year < 3000:
        raise _wrong("start", value.isoformat(), "is out of range", "give a year from 1970 to 2999")
    return value.isoformat()


def check_function(function: object) -> FunctionType:
    """Return a plain function that can be called without arguments, sync or async."""
    if not isinstance(function, FunctionType):
        kind = "class" if isinstance(function, type) else type(function).__name__
        raise ScheduleError(f"@schedule: {function!r} is a {kind}, not a function; {_PLAIN}")
    if function.__name__ == "<lambda>":
        raise ScheduleError(f"@schedule: a lambda has no name to be found by; {_PLAIN}")
    name, code = function.__qualname__, function.__code__
    if _is_in_class(name):
        raise ScheduleError(f"@schedule: {name} is a method and has no object to run on; {_PLAIN}")
    if code.co_flags & _GENERATOR_FLAGS:
        raise ScheduleError(f"@schedule: {name} is a generator, calling it runs nothing; {_PLAIN}")
    if missing := _required_parameters(function, code):
        raise ScheduleError(
            f"@schedule: {name} is called without arguments but requires {', '.join(missing)};"
            " give them defaults"
        )
    return function


_PLAIN = "put it on a plain `def` or `async def` at the top level of the file"


def _is_in_class(qualname: str) -> bool:
    parents = qualname.split(".")[:-1]
    return bool(parents) and parents[-1] != "<locals>"


def _required_parameters(function: FunctionType, code: CodeType) -> list[str]:
    names = code.co_varnames
    positional = names[: code.co_argcount - len(function.__defaults__ or ())]
    keyword = names[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return [*positional, *(name for name in keyword if name not in (function.__kwdefaults__ or {}))]


def _as_timedelta(argument: str, value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"write {argument}=timedelta(seconds={value})"
    remedy = f"write {argument}=timedelta(minutes=5)"
    if argument != "interval" or not isinstance(value, str):
        return remedy
    if len(value.split()) in (5, 6):
        return f"write cron={value!r}"
    return f"{remedy} or cron='0 7 * * *'"


def _wrong(argument: str, value: object, fault: str, remedy: str) -> ScheduleError:
    return ScheduleError(f"{argument}: {value!r} {fault}; {remedy}")
