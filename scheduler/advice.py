"""Makes the commands that a remedy names work as they are typed: with the configuration in use."""

import os
import re
import shlex
from collections.abc import Mapping

from scheduler.config import DEFAULT_NAME

# Those that read the configuration; a test holds them against the table of commands.
COMMANDS = (
    *("run", "ticker", "worker", "scan", "check", "call", "tui", "status", "list", "runs", "show"),
    *("errors", "explain", "plan", "health", "metrics", "trigger", "pause", "resume", "cancel"),
    *("stack", "prune", "backup"),
)
_NAMED = re.compile(rf"\bscheduler ({'|'.join(COMMANDS)})\b(?! --config)")


def config_flag(file: str | None, environ: Mapping[str, str]) -> str:
    """Return ` --config FILE`, or "" where a command finds that file by itself."""
    default = environ.get("SCHEDULER_CONFIG") or DEFAULT_NAME
    if file is None or os.path.abspath(file) == os.path.abspath(default):
        return ""
    return f" --config {shlex.quote(file)}"


def with_flag(text: str, flag: str) -> str:
    """Put the flag behind every command that a text names."""
    return _NAMED.sub(lambda found: f"{found[0]}{flag}", text)
