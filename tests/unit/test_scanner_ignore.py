"""The patterns of `.schedulerignore`."""

import pytest

from scheduler.scanner.ignore import parse_ignore


def is_ignored(text: str, path: str) -> bool:
    patterns, _ = parse_ignore(text)
    names = tuple(path.rstrip("/").split("/"))
    return any(pattern.matches(names, is_folder=path.endswith("/")) for pattern in patterns)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("x.py", "x.py", True),
        ("x.py", "a/b/x.py", True),
        ("/x.py", "x.py", True),
        ("/x.py", "a/x.py", False),
        ("a/x.py", "a/x.py", True),
        ("a/x.py", "b/a/x.py", False),
        ("old/", "a/old/", True),
        ("old/", "old", False),
        ("old", "old/", True),
        ("*.py", "a/b.py", True),
        ("a/*.py", "a/b/c.py", False),
        ("a/**/c.py", "a/c.py", True),
        ("a/**/c.py", "a/b/b/c.py", True),
        ("**/c.py", "c.py", True),
        ("a/**", "a/b/c.py", True),
        ("a?.py", "ab.py", True),
        ("a[0-9].py", "a7.py", True),
        ("a[0-9].py", "ax.py", False),
        ("a[!0-9].py", "ax.py", True),
        ("X.py", "x.py", False),
        ("# x.py", "x.py", False),
    ],
)
def test_patterns_mean_what_they_mean_in_gitignore(pattern: str, path: str, expected: bool) -> None:
    assert is_ignored(pattern, path) is expected


def test_taking_back_and_escaping_are_refused_with_their_line() -> None:
    _, refused = parse_ignore("a\n!b\n\\#c\n")
    assert refused == ((2, "!b"), (3, "\\#c"))
