"""How many files and folders cannot be scanned, in words."""

from collections.abc import Sequence

from scheduler.wording import plural

FILE_SUFFIX = ".py"


def kind_of(path: str) -> str:
    """Say whether a path of a scan error is one of a file or of a folder: no other files are."""
    return "file" if path.endswith(FILE_SUFFIX) else "folder"


def unscanned(paths: Sequence[str]) -> str | None:
    """Say what cannot be scanned, a single folder by its path; None when there is nothing."""
    folders = [path for path in paths if kind_of(path) == "folder"]
    files = len(paths) - len(folders)
    parts = []
    if folders:
        one = len(folders) == 1
        parts.append(f"the folder {folders[0]}" if one else plural(len(folders), "folder"))
    if files:
        parts.append(plural(files, "file"))
    return f"{' and '.join(parts)} cannot be scanned" if parts else None
