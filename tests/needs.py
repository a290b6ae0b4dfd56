"""What a test needs of the machine: without it a user's machine skips the test, and CI fails."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def skip(reason: str) -> NoReturn:
    """Skip the test; in CI (CI=true) that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI skips nothing")
    pytest.skip(reason)


def need(program: str, places: str = "") -> str:
    """Return the path of a program on the PATH, or in `places`, a pattern of absolute folders."""
    folders = [os.environ.get("PATH", "")]
    if places:
        folders += map(str, Path("/").glob(places.lstrip("/")))
    if found := shutil.which(program, path=os.pathsep.join(folders)):
        return found
    skip(f"{program} is not installed")
