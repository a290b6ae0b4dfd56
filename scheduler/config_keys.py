"""The keys of `scheduler.toml`: one table for loading, `scheduler init`, README and tests."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value may be: the type that decides, and the same in words for the error message."""

    type: Any
    words: str


@dataclass(frozen=True, slots=True)
class Key:
    """One key; `default` is set where the default is not a constant of `Config`, in words.

    `example` is the value `scheduler init` shows where there is no constant to show.
    """

    name: str
    kind: Kind
    meaning: str
    default: str | None = None
    example: str | None = None


def _number(least: float, most: float, unit: str = "seconds") -> Kind:
    kind = Annotated[float, Meta(ge=least, le=most)]
    return Kind(kind, f"a number of {unit} from {least:g} to {most:g}")


def _count(least: int, most: int) -> Kind:
    return Kind(Annotated[int, Meta(ge=least, le=most)], f"a whole number from {least} to {most}")


_TEXT = Annotated[str, Meta(min_length=1)]
_PATH = Kind(_TEXT, "a path")
_URL = Kind(_TEXT, "a URL")
_PATHS = Kind(Annotated[list[_TEXT], Meta(min_length=1)], "a list of at least one folder")
_MODULES = Kind(list[_TEXT], "a list of module names")
_HOST = Kind(_TEXT, "an address of this machine")
_ZONE = Kind(_TEXT, "a time zone name")
_LEVEL = Kind(Literal["debug", "info", "warning", "error"], "debug, info, warning or error")
_FORMAT = Kind(Literal["text", "json"], "text or json")
_DURABILITY = Kind(Literal["normal", "full"], "normal or full")

KEYS: tuple[Key, ...] = (
    Key(
        "scan_paths",
        _PATHS,
        "folders whose *.py files are searched for scheduled functions",
        default="required",
        example='["functions"]',
    ),
    Key("scan_interval_seconds", _number(0.1, 86400), "time between two scans"),
    Key("runner_poll_seconds", _number(0.05, 60), "longest sleep of the ticker"),
    Key("db_path", _PATH, "SQLite file with the functions and the record of all runs"),
    Key(
        "queue_path",
        _PATH,
        "SQLite file of the queue; disposable",
        default="<db_path>-queue.db, beside it",
        example='"scheduler-queue.db"',
    ),
    Key("tui_refresh_seconds", _number(0.2, 3600), "time between two refreshes of the console"),
    Key("import_timeout_seconds", _number(0.1, 3600), "longest time one file may take to import"),
    Key("max_runs_per_process", _count(1, 1_000_000), "runs after which an executor is replaced"),
    Key("max_rss_mb", _count(0, 1_000_000), "memory above which an executor is replaced; 0 = off"),
    Key("preload", _MODULES, "modules imported once and shared by all executors"),
    Key(
        "database_url",
        _URL,
        "PostgreSQL instead of the SQLite file",
        default="the SQLite file",
        example='"postgresql://user:password@host/scheduler"',
    ),
    Key(
        "queue_url",
        _URL,
        "Redis or PostgreSQL instead of the queue's SQLite file",
        default="the SQLite file",
        example='"redis://host:6379/0"',
    ),
    Key(
        "worker_concurrency",
        _count(1, 1000),
        "runs that one worker executes at the same time",
        default="number of cores",
        example="4",
    ),
    Key("default_timeout_seconds", _number(0, 31_536_000), "time-out of a run; 0 = none"),
    Key("heartbeat_seconds", _number(0.1, 300), "how often a process says that it lives"),
    Key("dead_after_seconds", _number(0.3, 3600), "silence after which a process counts as dead"),
    Key("shutdown_grace_seconds", _number(0, 86400), "time that running functions get at a stop"),
    Key("retention_days", _number(0.01, 36500, "days"), "age after which a run is deleted"),
    Key(
        "retention_runs_per_function",
        _count(1, 1_000_000_000),
        "newest runs that are kept of each function",
    ),
    Key("output_limit_kb", _count(1, 102_400), "output kept of each run: its head and its tail"),
    Key("timezone", _ZONE, "time zone of cron schedules and naive starts without their own"),
    Key("log_level", _LEVEL, "least severity that is logged: debug, info, warning or error"),
    Key("log_format", _FORMAT, "form of each line of the log: text or json"),
    Key(
        "durability",
        _DURABILITY,
        "what a power loss may cost: the last moments (normal), or nothing (full, slower)",
    ),
    Key(
        "metrics_port",
        _count(0, 65535),
        "port where the ticker serves metrics for Prometheus; 0 = none",
    ),
    Key("metrics_host", _HOST, "address of that port; the default is for this machine alone"),
)
