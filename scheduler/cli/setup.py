"""`init`: a commented scheduler.toml and one example function, to begin with."""

import os
from dataclasses import fields
from pathlib import Path

from scheduler.cli.context import Context
from scheduler.config import DEFAULT_NAME, Config
from scheduler.config_keys import KEYS, Key
from scheduler.errors import EXIT_OK, SchedulerError

EXAMPLE = '''"""An example: replace it with your own."""

from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(seconds=10))
def hello() -> str:
    """Say hello every ten seconds."""
    print("hello, world")
    return "said hello"
'''
_CONSTANTS = {field.name: field.default for field in fields(Config)}
_HEAD = """# Configuration of the scheduler. Every key can be overridden by the environment variable
# SCHEDULER_<KEY>; relative paths are relative to this file. `scheduler check` validates it.
"""


def init(context: Context) -> int:
    """Write what is not there yet; existing files are never touched."""
    folder = Path(context.args.folder)
    files = {
        folder / DEFAULT_NAME: config_text(),
        folder / "functions" / "hello.py": EXAMPLE,
    }
    if os.path.exists(folder / DEFAULT_NAME):
        raise SchedulerError(f"{folder / DEFAULT_NAME} exists already; it is left as it is")
    for path, text in files.items():
        is_written = _write_new(path, text)
        context.screen.line(f"{'wrote' if is_written else 'kept '} {path}")
    place = "" if folder == Path() else f" --config {folder / DEFAULT_NAME}"
    context.screen.line(
        f"Next: `scheduler run{place}`, and in another terminal `scheduler tui{place}`"
    )
    return EXIT_OK


def config_text() -> str:
    """Return a scheduler.toml that says what every key means; only what is required is set."""
    return _HEAD + "".join(f"\n# {_sentence(key)}\n{_line(key)}\n" for key in KEYS)


def _sentence(key: Key) -> str:
    text = f"{key.meaning[0].upper()}{key.meaning[1:]}."
    is_said = key.default is None or key.default == "required"
    return text if is_said else f"{text} Default: {key.default}."


def _line(key: Key) -> str:
    setting = f"{key.name} = {key.example or _literal(_CONSTANTS[key.name])}"
    return setting if key.default == "required" else f"# {setting}"


def _literal(value: object) -> str:
    """Write a default as TOML: texts and paths quoted, whole seconds without a fraction."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, float):
        return f"{value:g}"
    return f'"{value}"' if isinstance(value, (str, Path)) else str(value)


def _write_new(path: Path, text: str) -> bool:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SchedulerError(f"{path.parent}: cannot be made a folder: {error.strerror}") from None
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    except OSError as error:
        raise SchedulerError(f"{path}: cannot be written: {error.strerror}") from None
    return True
