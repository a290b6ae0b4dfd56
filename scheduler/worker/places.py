"""Where this worker has the file of a function that a ticker may have found elsewhere."""

import os
from collections.abc import Sequence


def local_scan_path(own: Sequence[str], scan_path: str, module_path: str) -> str:
    """Return this worker's scan path that has a file, told by its path below the ticker's one.

    Hosts may mount the same functions at different places. Where none of them has the file it is
    the first one: loading it then says what is missing.
    """
    if scan_path in own:
        return scan_path
    found = (path for path in own if os.path.isfile(os.path.join(path, module_path)))
    return next(found, own[0] if own else scan_path)
