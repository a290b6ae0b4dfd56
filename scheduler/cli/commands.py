"""The commands and their arguments, as one table: parser, help and README are made of it."""

from argparse import ArgumentTypeError
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command, as argparse wants it."""

    flag: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """One command; `target` is `module:function` below `scheduler.cli`, imported when called."""

    name: str
    group: str
    target: str
    does: str
    arguments: tuple[Argument, ...] = ()
    reads_config: bool = True


_MOST = 2**63 - 1  # what a column of ids can hold
_MOST_SLOTS = 1000  # of one worker, as of worker_concurrency
_MOST_PROCESSES = 100  # of one kind on one machine: each worker has 40 MB and heartbeats


def positive(text: str) -> int:
    """Read a whole number from 1; for argparse."""
    if not text.isdecimal() or len(text) > len(str(_MOST)) or not 1 <= int(text) <= _MOST:
        raise ArgumentTypeError(f"must be a whole number from 1, not {text!r}")
    return int(text)


def processes(text: str) -> int:
    """Read how many processes there should be; for argparse."""
    if positive(text) > _MOST_PROCESSES:
        raise ArgumentTypeError(
            f"at most {_MOST_PROCESSES} processes, not {text}; worker_concurrency gives each "
            "worker more slots"
        )
    return int(text)


def slots(text: str) -> int:
    """Read how many runs a worker may execute at a time; for argparse."""
    if positive(text) > _MOST_SLOTS:
        raise ArgumentTypeError(f"at most {_MOST_SLOTS} slots, not {text}; start more workers")
    return int(text)


def hours(text: str) -> float:
    """Read a number of hours up to a year; for argparse."""
    return _amount(text, 8784, "hours above 0, up to 8784 (a year)")


def minutes(text: str) -> float:
    """Read a number of minutes up to a day; for argparse."""
    return _amount(text, 1440, "minutes above 0, up to 1440 (a day)")


def _amount(text: str, most: float, wanted: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= most:
        raise ArgumentTypeError(f"must be a number of {wanted}, not {text!r}")
    return value


def _number(flag: str, metavar: str, text: str, **more: Any) -> Argument:
    return Argument(flag, {"type": positive, "metavar": metavar, "help": text, **more})


def _switch(flag: str, text: str) -> Argument:
    return Argument(flag, {"action": "store_true", "help": text})


def _url(flag: str, text: str) -> Argument:
    return Argument(flag, {"metavar": "URL", "help": text})


_NAME = Argument("name", {"metavar": "NAME", "help": "a function, as `scheduler list` shows it"})
_RUN = _number("run", "RUN", "the number of a run, as `scheduler runs` shows it")
_JSON = _switch("--json", "print JSON with stable keys")
_LIMIT = _number("--limit", "N", "show at most N (default 20)", default=20)
_THEMES = ("dark", "light", "mono")
_ROLES = ("ticker", "worker", "all")

GROUPS = {
    "start": "get started",
    "service": "the service",
    "look": "see what is going on",
    "act": "ask for something",
}

COMMANDS = (
    Command(
        "init",
        "start",
        "setup:init",
        "write a commented scheduler.toml and an example function",
        (
            Argument(
                "folder",
                {"nargs": "?", "default": ".", "metavar": "DIR", "help": "where (default: here)"},
            ),
        ),
        reads_config=False,
    ),
    Command("check", "start", "check:check", "validate configuration and environment", (_JSON,)),
    Command("scan", "start", "service:scan", "search the folders once for functions", (_JSON,)),
    Command(
        "call",
        "start",
        "call:call",
        "run a function here and now, unrecorded, without time-out",
        (_NAME,),
    ),
    Command(
        "selftest",
        "start",
        "selftest:selftest",
        "prove on this machine that no slot is lost or run twice",
        (
            Argument(
                "--minutes",
                {"type": minutes, "default": 1.0, "metavar": "M", "help": "how long (default 1)"},
            ),
            _switch("--chaos", "kill and pause its processes at random meanwhile"),
            _number("--seed", "N", "repeat the same sequence of kills (default: a new one)"),
            _number("--tickers", "N", "ticker processes (default 2)", default=2, type=processes),
            _number("--workers", "N", "worker processes (default 3)", default=3, type=processes),
            _url("--database-url", "on PostgreSQL, in a schema of its own, instead of SQLite"),
            _url("--queue-url", "with the queue on this Redis or PostgreSQL"),
            _JSON,
        ),
        reads_config=False,
    ),
    Command(
        "run",
        "service",
        "service:run",
        "everything on this machine: ticker and workers",
        (_number("--workers", "N", "worker processes (default 1)", default=1, type=processes),),
    ),
    Command("ticker", "service", "service:ticker", "only the ticker: decides what is due"),
    Command(
        "worker",
        "service",
        "service:worker",
        "only a worker: executes what is queued",
        (
            _number(
                "--concurrency",
                "N",
                "runs at the same time (default: worker_concurrency)",
                type=slots,
            ),
        ),
    ),
    Command(
        "tui",
        "look",
        "service:tui",
        "the console",
        (
            _switch("--read-only", "switch off every key that changes something"),
            _switch("--ascii", "use ASCII characters only"),
            _switch("--no-mouse", "leave the mouse to the terminal"),
            Argument(
                "--theme", {"choices": _THEMES, "help": "colours (default: what the terminal says)"}
            ),
        ),
    ),
    Command("status", "look", "status:status", "health at a glance, with remedies", (_JSON,)),
    Command(
        "list", "look", "functions:list_functions", "the functions and when they run", (_JSON,)
    ),
    Command(
        "runs",
        "look",
        "runs:runs",
        "the runs, newest first",
        (
            Argument("name", {**_NAME.options, "nargs": "?"}),
            _switch("--failed", "only runs that failed or were missed"),
            _LIMIT,
            _JSON,
        ),
    ),
    Command(
        "show",
        "look",
        "runs:show",
        "one run in full: times, error, output",
        (_RUN, _switch("--follow", "print the output while it runs"), _JSON),
    ),
    Command("errors", "look", "errors:errors", "files that cannot be scanned", (_JSON,)),
    Command(
        "explain",
        "look",
        "explain:explain",
        "why a function did or did not run at a time",
        (
            _NAME,
            Argument(
                "time",
                {
                    "nargs": "?",
                    "default": "now",
                    "metavar": "TIME",
                    "help": "ISO 8601 or HH:MM[:SS[.fff]] in the function's time zone, "
                    "seconds since 1970, or now (default)",
                },
            ),
            _JSON,
        ),
    ),
    Command(
        "plan",
        "look",
        "plan:plan",
        "every coming fire time, with predicted overlaps",
        (
            Argument(
                "--hours",
                {"type": hours, "default": 24.0, "metavar": "H", "help": "how far (default 24)"},
            ),
            _JSON,
        ),
    ),
    Command(
        "stack", "look", "requests:stack", "where a running run is: its Python stack", (_RUN, _JSON)
    ),
    Command(
        "health",
        "look",
        "health:health",
        "exit 0 if the service lives, else 1; for probes",
        (
            Argument(
                "--role", {"choices": _ROLES, "default": "all", "help": "which (default all)"}
            ),
            _switch("--here", "only processes of this host or container count"),
            _switch("--strict", "scan errors, late functions and stuck queues count as well"),
            _JSON,
        ),
    ),
    Command("metrics", "look", "metrics:metrics", "print the metrics for Prometheus once"),
    Command(
        "trigger",
        "act",
        "trigger:trigger",
        "run a function now",
        (
            _NAME,
            _switch("--wait", "wait for its end; exit 1 unless it succeeds"),
            _switch("--force", "run beside a run of it that still goes, instead of after it"),
            _JSON,
        ),
    ),
    Command(
        "pause", "act", "requests:pause", "do not run a function until it is resumed", (_NAME,)
    ),
    Command("resume", "act", "requests:resume", "let a paused function run again", (_NAME,)),
    Command("cancel", "act", "requests:cancel", "stop a run, or take it off the queue", (_RUN,)),
    Command(
        "backup",
        "act",
        "backup:backup",
        "copy the SQLite database of a living service",
        (Argument("file", {"metavar": "FILE", "help": "a new file"}),),
    ),
    Command("prune", "act", "requests:prune", "delete old runs now, as retention says", (_JSON,)),
)
