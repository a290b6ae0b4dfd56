"""`.schedulerignore`: which files and folders of a scan path are left alone.

The part of gitignore's language that is understood, in any folder, for what lies below it: one
pattern a line; blank lines and lines that begin with `#` are skipped; `*`, `?` and `[...]` match
within one name; a `/` at the end means folders only; a `/` elsewhere ties the pattern to the folder
of the file, otherwise it matches at any depth; `**` stands for any number of folders. Not
understood, and reported: `!` (taking back) and `\\` (escaping).
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase

IGNORE_FILE = ".schedulerignore"


@dataclass(frozen=True, slots=True)
class IgnorePattern:
    """One line of an ignore file; `parts` are the names and `**` to match one after another."""

    parts: tuple[str, ...]
    folders_only: bool

    def matches(self, names: tuple[str, ...], *, is_folder: bool) -> bool:
        """Say whether the path made of `names`, relative to the ignore file's folder, is meant."""
        return (is_folder or not self.folders_only) and _matches(names, self.parts)


def parse_ignore(text: str) -> tuple[tuple[IgnorePattern, ...], tuple[tuple[int, str], ...]]:
    """Return the patterns of an ignore file, and (line number, line) of what is not understood."""
    patterns = []
    refused = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("!") or "\\" in line:
            refused.append((number, line))
        else:
            patterns.append(_parse(line))
    return tuple(patterns), tuple(refused)


def _parse(line: str) -> IgnorePattern:
    body = line.rstrip("/")
    parts = tuple(part for part in body.split("/") if part)
    return IgnorePattern(
        parts=parts if "/" in body else ("**", *parts), folders_only=line.endswith("/")
    )


def _matches(names: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    if not parts:
        return not names
    if parts[0] == "**":
        return any(_matches(names[skipped:], parts[1:]) for skipped in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], parts[0]) and _matches(names[1:], parts[1:])
