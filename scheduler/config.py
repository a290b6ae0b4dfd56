"""The configuration: one frozen value made of `scheduler.toml`, the environment and the defaults.

Precedence: `SCHEDULER_<KEY>` over the file over the default; an empty variable counts as not set.
Relative paths are relative to the file, also those from the environment; without a file, to the
current folder. Lists in the environment: `SCHEDULER_SCAN_PATHS` is separated by `:` like `PATH`,
`SCHEDULER_PRELOAD` by commas.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from scheduler.config_file import read_toml
from scheduler.config_keys import KEYS, Key
from scheduler.config_shapes import SHAPES
from scheduler.errors import ConfigError
from scheduler.redaction import safe_url
from scheduler.wording import did_you_mean

DEFAULT_NAME = "scheduler.toml"
DEFAULT_DATABASE = "scheduler.db"
PREFIX = "SCHEDULER_"
# Variables with the prefix that are no keys: which file to read, what the supervisor passes on,
# and where a test wants the process to die.
_NOT_KEYS = frozenset(
    {"SCHEDULER_CONFIG", "SCHEDULER_CRASH_POINT", "SCHEDULER_LIFELINE", "SCHEDULER_RESTARTS"}
)
_SEPARATORS = {"scan_paths": os.pathsep, "preload": ","}
_NAMES = frozenset(key.name for key in KEYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every key of `config_keys`: absolute paths, seconds; `path` is the file it is from."""

    path: Path | None
    scan_paths: tuple[Path, ...]
    scan_interval_seconds: float = 30.0
    runner_poll_seconds: float = 1.0
    db_path: Path = Path(DEFAULT_DATABASE)
    queue_path: Path = Path("scheduler-queue.db")
    tui_refresh_seconds: float = 2.0
    import_timeout_seconds: float = 30.0
    max_runs_per_process: int = 100
    max_rss_mb: int = 0
    preload: tuple[str, ...] = ()
    # The URLs carry passwords: they stay out of every repr, log line and traceback.
    database_url: str | None = field(default=None, repr=False)
    queue_url: str | None = field(default=None, repr=False)
    worker_concurrency: int = 1
    default_timeout_seconds: float = 0.0
    heartbeat_seconds: float = 2.0
    dead_after_seconds: float = 15.0
    shutdown_grace_seconds: float = 30.0
    retention_days: float = 30.0
    retention_runs_per_function: int = 10000
    output_limit_kb: int = 64
    timezone: str = "UTC"
    log_level: str = "info"
    log_format: str = "text"
    durability: str = "normal"
    metrics_port: int = 0
    metrics_host: str = "127.0.0.1"

    @property
    def database_label(self) -> str:
        """Where the database is, as it may be shown: its path, or its URL without the password."""
        return safe_url(self.database_url) if self.database_url else str(self.db_path)

    @property
    def queue_label(self) -> str:
        """Where the queue is, as it may be shown: its path, or its URL without the password."""
        return safe_url(self.queue_url) if self.queue_url else str(self.queue_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A configuration and what was odd about it; each warning is one line."""

    config: Config
    warnings: tuple[str, ...]


def load_config(path: Path | None, environ: Mapping[str, str]) -> Config:
    """Return the configuration, as `read_config` does, without its warnings."""
    return read_config(path, environ).config


def read_config(path: Path | None, environ: Mapping[str, str]) -> Reading:
    """Read the file (default: `SCHEDULER_CONFIG`, then `scheduler.toml` here) and the environment.

    The default file may be missing when `SCHEDULER_SCAN_PATHS` is set. Raises ConfigError with one
    line for each fault: where, which key, what is wrong, what to do about it.
    """
    file = _choose_file(path, environ)
    table = read_toml(file) if file else {}
    base = Path(os.path.abspath(file)).parent if file else Path.cwd()
    given = _given(file, table, environ)
    values, problems = _convert_all(given, base)
    problems = _unknown_keys(file, table) + problems
    if "scan_paths" not in given:
        problems.append(f'{file}: scan_paths: missing; for example scan_paths = ["functions"]')
    config = Config(path=file and base / file.name, **_with_defaults(values, base))
    problems += _conflicts(config, given, sound=values.keys() | (_NAMES - given.keys()))
    if problems:
        raise ConfigError(problems)
    warnings = _unknown_variables(environ) + _oddities(given)
    return Reading(config=config, warnings=tuple(warnings))


@dataclass(frozen=True, slots=True)
class _Given:
    """A value as it was written, and where; texts from the environment are read leniently."""

    raw: Any
    where: str
    is_text: bool = False


def _choose_file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    chosen = path or (Path(name) if (name := environ.get(f"{PREFIX}CONFIG")) else None)
    if chosen is None:
        chosen = Path(DEFAULT_NAME)
        if not os.path.exists(chosen) and environ.get(f"{PREFIX}SCAN_PATHS", "").strip():
            return None
    return chosen


def _given(
    file: Path | None, table: dict[str, Any], environ: Mapping[str, str]
) -> dict[str, _Given]:
    given = {name: _Given(table[name], str(file)) for name in _NAMES if name in table}
    for name in _NAMES:
        if text := environ.get(PREFIX + name.upper(), "").strip():
            parts = [part.strip() for part in text.split(_SEPARATORS.get(name, "\0"))]
            raw = [part for part in parts if part] if name in _SEPARATORS else text
            given[name] = _Given(raw, f"environment: {PREFIX}{name.upper()}", is_text=True)
    return given


def _convert_all(given: dict[str, _Given], base: Path) -> tuple[dict[str, Any], list[str]]:
    values, problems = {}, []
    for key in KEYS:
        if entry := given.get(key.name):
            try:
                values[key.name] = _convert(key, entry, base)
            except ValueError as fault:
                place = entry.where if entry.is_text else f"{entry.where}: {key.name}"
                problems.append(f"{place}: {fault}")
    return values, problems


def _convert(key: Key, entry: _Given, base: Path) -> Any:
    try:
        value = msgspec.convert(entry.raw, key.kind.type, strict=not entry.is_text)
    except msgspec.ValidationError:
        value = None
    if value is None or (isinstance(value, float) and not isfinite(value)):
        shown = safe_url(str(entry.raw)) if key.name.endswith("_url") else repr(entry.raw)
        raise ValueError(f"must be {key.kind.words}, not {shown}")
    if key.name in SHAPES:
        return SHAPES[key.name](value, base)
    return tuple(value) if isinstance(value, list) else value


def _with_defaults(values: dict[str, Any], base: Path) -> dict[str, Any]:
    database = values.get("db_path", base / DEFAULT_DATABASE)
    made = {
        "scan_paths": (),
        "db_path": database,
        "queue_path": database.with_name(f"{database.stem}-queue.db"),
        "worker_concurrency": _usable_cores(),
    }
    return made | values


def _usable_cores() -> int:
    """Count the cores this process may use, which in a container are fewer than the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _unknown_keys(file: Path | None, table: dict[str, Any]) -> list[str]:
    problems = []
    for name, value in table.items():
        if name not in _NAMES:
            hint = did_you_mean(name, sorted(_NAMES))
            if isinstance(value, dict):
                hint = "keys stand at the top of the file, without a [section]"
            problems.append(f"{file}: {name}: unknown key; {hint or 'remove it'}")
    return problems


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    known = sorted(name.upper() for name in _NAMES)
    unknown = [
        name
        for name in sorted(environ)
        if name.startswith(PREFIX)
        and name.removeprefix(PREFIX) not in known
        and name not in _NOT_KEYS
    ]
    return [
        f"environment: {name}: unknown variable, ignored; {_meant_variable(name, known)}"
        for name in unknown
    ]


def _meant_variable(name: str, known: list[str]) -> str:
    """Suggest by what distinguishes the names: the prefix alone makes all of them alike."""
    return did_you_mean(name.removeprefix(PREFIX), known, prefix=PREFIX) or "unset it"


def _conflicts(config: Config, given: dict[str, _Given], sound: set[str]) -> list[str]:
    """Check keys against each other, where both are sound by themselves."""
    problems = []
    least = round(3 * config.heartbeat_seconds, 9)  # 3 x 0.1 is more than 0.3
    if config.dead_after_seconds < least and {"heartbeat_seconds", "dead_after_seconds"} <= sound:
        where = _where(given, "dead_after_seconds", "heartbeat_seconds")
        fault = f"must be at least 3 x heartbeat_seconds; set {least:g} or more"
        problems.append(f"{where}: dead_after_seconds: {fault}")
    if config.db_path == config.queue_path and {"db_path", "queue_path"} <= sound:
        where = _where(given, "queue_path", "db_path")
        fault = "must not be the file of db_path; leave it out to get one beside it"
        problems.append(f"{where}: queue_path: {fault}")
    return problems


def _oddities(given: dict[str, _Given]) -> list[str]:
    return [
        f"{_where(given, path)}: {path}: not used, because {url} is set"
        for url, path in (("database_url", "db_path"), ("queue_url", "queue_path"))
        if url in given and path in given
    ]


def _where(given: dict[str, _Given], *names: str) -> str:
    return next(given[name].where for name in names if name in given)
