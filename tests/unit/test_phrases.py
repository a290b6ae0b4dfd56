"""How a schedule is said, as a sentence and in a narrow column."""

import pytest

from scheduler.phrases import describe, short


@pytest.mark.parametrize(
    ("seconds", "sentence", "column"),
    [
        (1, "every second", "1s"),
        (1.5, "every 1.5 s", "1.5s"),
        (0.25, "every 250 ms", "250ms"),
        (30, "every 30 s", "30s"),
        (60, "every minute", "1m"),
        (300, "every 5 minutes", "5m"),
        (90, "every 1m 30s", "1m 30s"),
        (5400, "every 90 minutes", "1h 30m"),
        (3600, "every hour", "1h"),
        (86400, "every day", "1d"),
        (604800, "every 7 days", "7d"),
    ],
)
def test_an_interval_is_said_in_its_largest_whole_unit(
    seconds: float, sentence: str, column: str
) -> None:
    assert describe(interval_seconds=seconds, cron=None, timezone=None) == sentence
    assert short(interval_seconds=seconds, cron=None) == column


@pytest.mark.parametrize(
    ("cron", "sentence"),
    [
        ("0 7 * * MON-FRI", "at 07:00 on Monday to Friday"),
        ("30 2 * * *", "at 02:30 every day"),
        ("*/5 * * * *", "every 5 minutes"),
        ("0 */2 * * *", "every 2 hours"),
        ("* * * * *", "every minute"),
        ("*/7 * * * *", "every seventh minute of every hour"),
        ("0 3 1 * *", "at 03:00 on the first day of every month"),
        ("1,2,7,19,44,51 3-8 1,15 2,8 *", "1,2,7,19,44,51 3-8 1,15 2,8 *"),
    ],
)
def test_a_simple_cron_expression_is_said_in_words(cron: str, sentence: str) -> None:
    phrase = describe(interval_seconds=None, cron=cron, timezone="Europe/Berlin")
    assert phrase == f"{sentence}, Europe/Berlin"
    assert short(interval_seconds=None, cron=cron) == cron
