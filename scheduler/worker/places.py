"""Where this worker has the file of a function that a ticker may have found elsewhere."""

import os
from collections.abc import Sequence
from pathlib import Path


def local_scan_path(own: Sequence[Path], scan_path: str, module_path: str) -> str:
    """Return this worker's scan path that has a file, told by its path below the ticker's one.

    Hosts may mount the same functions at different places. Where none of them has the file it is
    the first one: loading it then says what is missing.
    """
    paths = [str(path) for path in own]
    if scan_path in paths:
        return scan_path
    found = (path for path in paths if os.path.isfile(os.path.join(path, module_path)))
    return next(found, paths[0] if paths else scan_path)
