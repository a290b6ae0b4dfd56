"""Reads a TOML file and says in one line where it cannot be read and what to do about it."""

import re
import tomllib
from pathlib import Path
from typing import Any

from scheduler.errors import ConfigError


def read_toml(file: Path) -> dict[str, Any]:
    """Return the tables of a TOML file; raises ConfigError with one line that names the place."""
    try:
        text = file.read_text(encoding="utf-8-sig")  # Windows editors begin a file with a mark
    except FileNotFoundError:
        remedy = "`scheduler init` writes one, --config names another"
        raise ConfigError([f"{file}: no such file; {remedy}"]) from None
    except IsADirectoryError:
        remedy = f"name the file in it, such as {file}/scheduler.toml"
        raise ConfigError([f"{file}: is a folder; {remedy}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8"]) from None
    except OSError as error:
        remedy = "let this user read it, or name another by --config"
        raise ConfigError([f"{file}: cannot be read ({error.strerror}); {remedy}"]) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_fault(file, text, str(error))]) from None


def _syntax_fault(file: Path, text: str, message: str) -> str:
    what, _, place = message.rpartition(" (at ")
    found = re.match(r"line (\d+)", place)
    line = found[1] if found else len(text.splitlines())  # "at end of document"
    return f"{file}: line {line}: not valid TOML: {what}; texts stand in quotes, lists in [ ]"
