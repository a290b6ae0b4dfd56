"""Where the examples of this folder keep their files: a helper that its neighbours import."""

import os
from pathlib import Path


def data_file(*parts: str) -> Path:
    """Return a path below examples/data (or $EXAMPLES_DATA) and make the folder that holds it."""
    root = Path(os.environ.get("EXAMPLES_DATA") or Path(__file__).resolve().parents[1] / "data")
    path = root.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
