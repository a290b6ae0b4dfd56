"""How a schedule is said: in a sentence for people, and in a few characters for a column."""

from datetime import datetime

from scheduler.wording import every

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"))
_LONGEST_PHRASE = 60
_SOME_TIME = datetime(2024, 1, 1)


def describe(*, interval_seconds: float | None, cron: str | None, timezone: str | None) -> str:
    """Say a schedule: `every 5 minutes`, `at 07:00 on Monday to Friday, Europe/Berlin`.

    A cron expression that would take more than a short phrase is said as it is written.
    """
    if cron is not None:
        return f"{_cron_words(cron)}, {timezone or 'UTC'}"
    assert interval_seconds is not None, "a schedule has an interval or cron"
    for unit_seconds, unit in _UNITS:
        count, rest = divmod(interval_seconds, unit_seconds)
        if count and not rest:
            return f"every {unit}" if count == 1 else f"every {count:.0f} {unit}s"
    return "every second" if interval_seconds == 1 else f"every {_spaced(interval_seconds)}"


def short(*, interval_seconds: float | None, cron: str | None) -> str:
    """Say a schedule for a narrow column: `5m`, `1h 30m`, `250ms`, or the cron expression."""
    if cron is not None:
        return cron
    assert interval_seconds is not None, "a schedule has an interval or cron"
    return every(interval_seconds)


def _spaced(seconds: float) -> str:
    """Say a duration that is no whole number of minutes: `1.5 s`, `250 ms`, `1m 30s`."""
    text = every(seconds)
    if seconds >= 60:
        return text
    number = text.rstrip("ms")
    return f"{number} {text[len(number) :]}"


def _cron_words(cron: str) -> str:
    from cronsim import CronSim

    if (step := _every_step(cron)) is not None:
        return step
    phrase = CronSim(cron, _SOME_TIME).explain().replace(" through ", " to ")
    return cron if len(phrase) > _LONGEST_PHRASE else phrase[0].lower() + phrase[1:]


def _every_step(cron: str) -> str | None:
    """Say `*/5 * * * *` and `0 */2 * * *` when the steps divide the hour or the day evenly."""
    match cron.split():
        case [minute, "*", "*", "*", "*"] if _divides(minute, 60):
            return f"every {minute[2:]} minutes"
        case ["0", hour, "*", "*", "*"] if _divides(hour, 24):
            return f"every {hour[2:]} hours"
    return None


def _divides(field: str, whole: int) -> bool:
    step = field.removeprefix("*/")
    return step != field and step.isdecimal() and int(step) > 1 and whole % int(step) == 0
