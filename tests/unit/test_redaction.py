"""What is hidden of a URL in the words of others."""

import pytest

from scheduler.redaction import without_password


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("postgresql://me:hush%21@host/db", 'invalid token: "hush%21"'),
        ("postgresql://me:hush%21@host/db", "no password hush! for user"),
        ("postgresql://me@host/db?password=hush&x=1", "with hush"),
        ("redis://:hush@host", "AUTH hush failed"),
    ],
)
def test_the_password_is_hidden_as_it_is_written_and_as_it_is_meant(url: str, text: str) -> None:
    assert "hush" in text
    assert "hush" not in without_password(text, url)


def test_a_text_without_the_password_stays_as_it_is() -> None:
    assert without_password("refused by host", "redis://:hush@host") == "refused by host"
    assert without_password("refused", None) == "refused"
