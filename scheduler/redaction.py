"""What must not be shown: the password of a URL, in it and in what a driver says about it."""

import re
from urllib.parse import parse_qsl, unquote, urlsplit

HIDDEN = "***"
SECRET_VARIABLES = ("SCHEDULER_DATABASE_URL", "SCHEDULER_QUEUE_URL")  # not for user code


def without_password(text: str, url: str | None) -> str:
    """Return the text with the URL's password hidden, however it is written there."""
    try:
        parts = urlsplit(url or "")
        secrets = {parts.password or "", unquote(parts.password or "")}
        secrets |= {value for name, value in parse_qsl(parts.query) if "password" in name}
    except ValueError:
        return HIDDEN  # not a URL: nobody can tell which part of it is secret
    for secret in sorted(secrets - {""}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def url_without_password(url: str) -> str:
    """Return the URL as a tool takes it that finds the password elsewhere, or asks for it."""
    without = safe_url(url).replace(f":{HIDDEN}@", "@", 1)
    return re.sub(r"password=\*\*\*(&|$)", "", without).rstrip("?&")


def safe_url(url: str) -> str:
    """Return the URL with its password replaced by `***`, also one in the query."""
    scheme, separator, rest = url.rpartition("://")
    user, at, place = rest.rpartition("@")
    name, colon, _ = user.partition(":")
    place = re.sub(r"(password=)[^&]*", r"\1***", place)
    return f"{scheme}{separator}{name}{':***' if colon else ''}{at}{place}"
