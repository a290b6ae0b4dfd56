"""What stands in the way of a function: gone, paused, disabled or broken, each with its remedy."""

import os
import shlex
from pathlib import Path

from scheduler.config import Config
from scheduler.db.report_rows import FunctionReport, ScanErrorReport
from scheduler.db.reports import list_scan_errors
from scheduler.runner.complaint import DUPLICATE_NAME, ERROR
from scheduler.wording import span


def why_gone(function: FunctionReport, config: Config, now: float) -> str:
    """Say how long a function has been gone, and which: its scan path, its file, or itself."""
    gone_at = function.gone_at
    gone = "is gone" if gone_at is None else f"has been gone for {span(now - gone_at)}"
    return f"{function.name} {gone}: {_missing(function, config)}"


def hindrance(function: FunctionReport) -> str | None:
    """Say why a function's slots are skipped, None if they are not."""
    if function.state == "paused":
        return f"{function.name} is paused, its slots are skipped until `{_resume(function)}`"
    if not function.enabled:
        return f"{function.name} is disabled in the code (enabled=False), its slots are skipped"
    return None


def why_broken(function: FunctionReport) -> str | None:
    """Say that a function's file cannot be imported as it is now, so that runs of it will fail."""
    path = str(Path(function.scan_path, function.module_path))
    if any(error.path == path and _breaks(error) for error in list_scan_errors()):
        return f"{path} cannot be scanned, so its runs will fail; `scheduler errors` tells why"
    return None


def _breaks(error: ScanErrorReport) -> bool:
    """Tell whether a whole file suffers: of two functions with one name the others run."""
    return error.severity == ERROR and error.error_type != DUPLICATE_NAME


def _missing(function: FunctionReport, config: Config) -> str:
    path = Path(function.scan_path, function.module_path)
    if Path(function.scan_path) not in config.scan_paths:
        return f"{function.scan_path} is not in scan_paths; put it back there"
    if not os.path.exists(path):
        return f"{path} does not exist; put it back"
    return f"{path} does not have it; put it back there"


def _resume(function: FunctionReport) -> str:
    return f"scheduler resume {shlex.quote(function.name)}"
