"""Inspects one file: imports it and lists the scheduled functions it defines."""

import faulthandler
import gc
import os
import signal
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from types import FunctionType, ModuleType
from typing import Any, NoReturn

from scheduler.decorators import ScheduleSpec, keep_marked, spec_of
from scheduler.runner.complaint import WARNING, FileError, complain, complain_of
from scheduler.runner.loading import load_module, source_hash
from scheduler.runner.offspring import ForkWatch, left_running
from scheduler.runner.reporting import write_report
from scheduler.runner.sources import hash_source
from scheduler.runner.text import bounded, clean

__all__ = ["FileError", "FileReport", "FoundFunction", "inspect_file", "serve"]

_DESCRIPTION_LIMIT = 200  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFunction:
    """One decorated function as found in its own file; `name` is already resolved."""

    name: str
    scan_path: str
    module_path: str  # relative to scan_path, with forward slashes
    qualname: str
    line: int
    description: str
    source_hash: str  # of the whole file
    spec: ScheduleSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What one file holds. `is_imported` is False when it could not be imported: see `error`."""

    scan_path: str
    module_path: str
    functions: tuple[FoundFunction, ...] = ()
    error: FileError | None = None
    is_imported: bool = True

    @property
    def path(self) -> str:
        return f"{self.scan_path}/{self.module_path}"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values that JSON can carry."""
        fields = asdict(self)
        for found, function in zip(fields["functions"], self.functions, strict=True):
            found["spec"] = function.spec.to_dict()  # a tuple, as `asdict` leaves it, has no names
        return fields

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "FileReport":
        """Return the report whose `to_dict` this is; raises TypeError on unknown fields."""
        error = fields.pop("error")
        share = _Shared()
        functions = [
            FoundFunction(
                **{**share.values(found), "spec": ScheduleSpec.from_dict(share.values(spec))}
            )
            for found in fields.pop("functions")
            for spec in [found.pop("spec")]
        ]
        return cls(
            **fields, functions=tuple(functions), error=FileError(**error) if error else None
        )


class _Shared:
    """One object for each value of a report: a ticker keeps what it found, most of it repeats."""

    def __init__(self) -> None:
        self._known: dict[tuple[type, Any], Any] = {}  # 0, 0.0 and False are equal, not the same

    def values(self, fields: dict[str, Any]) -> dict[str, Any]:
        known = self._known
        return {
            name: known.setdefault((type(value), value), value) for name, value in fields.items()
        }


def inspect_file(scan_path: str, module_path: str) -> FileReport:
    """Import a file into this process and list its scheduled functions; never raises.

    A function counts where it was defined, told by `__module__`: decorators copy marks and file
    names with functools.wraps, and other files import it.
    """
    path = f"{scan_path}/{module_path}"
    keep_marked()
    try:
        module = load_module(scan_path, module_path)
        if not isinstance(module, ModuleType):
            raise TypeError("it puts something that is not a module into sys.modules")
        own = _collect(module)
        found = [_describe(scan_path, module_path, name, marked) for name, marked in own.items()]
        lost = sorted(_find_lost(module, own))
    except BaseException as error:  # noqa: BLE001 - importing runs user code: SystemExit and all
        return FileReport(
            scan_path=scan_path,
            module_path=module_path,
            error=complain_of(error, path=path, scan_path=scan_path),
            is_imported=False,
        )
    return FileReport(
        scan_path=scan_path,
        module_path=module_path,
        functions=tuple(sorted(found, key=lambda function: (function.line, function.name))),
        error=_complain_of_lost(path, lost, own) if lost else None,
    )


def serve(request: dict[str, Any], fds: Sequence[int]) -> NoReturn:
    """Inspect one file in this freshly forked process, report on `fds[0]`, and end.

    `fds[1]` becomes stdout and stderr; the stack goes there at a crash and at SIGUSR2.
    """
    report_fd, output_fd = fds
    for standard_fd in (1, 2):
        os.dup2(output_fd, standard_fd)
    os.close(output_fd)
    faulthandler.enable(file=2)
    faulthandler.register(signal.SIGUSR2, file=2, all_threads=False)
    inspector_pid, channel = os.getpid(), os.fstat(report_fd)
    streams = (sys.stdout, sys.stderr)
    scan_path, module_path = request["scan_path"], request["module_path"]
    forks = ForkWatch(f"{scan_path}/{module_path}")
    report = inspect_file(scan_path, module_path)
    if os.getpid() != inspector_pid:
        os._exit(0)  # the file forked while it was imported: only the original reports
    for stream in streams:
        with suppress(Exception):  # the file may have closed it
            stream.flush()
    report = _with_processes(report, forks)
    os._exit(write_report(report_fd, channel, report.to_dict()))


def _with_processes(report: FileReport, forks: ForkWatch) -> FileReport:
    """Add what the file started; all of it is killed when this process ends."""
    left = left_running()
    if report.error is not None or not (forks.has_seen or left):
        return report
    did = ["forks"] if forks.has_seen else []
    did += [f"leaves processes running that are killed ({', '.join(left)})"] if left else []
    warning = complain(
        report.path,
        "ImportFork",
        f"when it is imported it {' and '.join(did)}: move the call into a function",
        line=forks.line,
        severity=WARNING,
    )
    return replace(report, error=warning)


def _collect(module: ModuleType) -> dict[str, Any]:
    """Return the marked functions of a module by the name they are reached by, each once."""
    names: dict[int, list[str]] = {}
    members = dict(vars(module))
    for name, member in members.items():
        if _is_own(member, module.__name__):
            names.setdefault(id(_unwrap(member)), []).append(name)
    best = [_choose(members, aliases) for aliases in names.values()]
    return {name: members[name] for name in best}


def _is_own(member: object, module_name: str) -> bool:
    try:
        return spec_of(member) is not None and getattr(member, "__module__", "") == module_name
    except Exception:  # noqa: BLE001 - proxies such as flask.request refuse to be looked at
        return False


def _choose(members: dict[str, Any], aliases: list[str]) -> str:
    own = [name for name in aliases if getattr(members[name], "__name__", None) == name]
    return (own or aliases)[0]


def _describe(scan_path: str, module_path: str, qualname: str, function: Any) -> FoundFunction:
    spec = spec_of(function)
    assert spec is not None
    path = f"{scan_path}/{module_path}"
    code = getattr(_unwrap(function), "__code__", None)
    return FoundFunction(
        name=spec.name or ".".join(filter(None, (_dotted(module_path), qualname))),
        scan_path=scan_path,
        module_path=module_path,
        qualname=qualname,
        line=getattr(code, "co_firstlineno", 1),
        description=_first_line(getattr(function, "__doc__", None)),
        source_hash=source_hash(path) or hash_file(path),
        spec=spec,
    )


def _dotted(module_path: str) -> str:
    names = module_path.removesuffix(".py").split("/")
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


def _first_line(docstring: object) -> str:
    lines = docstring.strip().splitlines() if isinstance(docstring, str) else []
    return clean(bounded(lines[0].strip(), _DESCRIPTION_LIMIT)) if lines else ""


def hash_file(path: str) -> str:
    """Return what a function's `source_hash` would be; raises OSError."""
    with open(path, "rb") as file:
        return hash_source(file.read())


def _unwrap(function: Any) -> Any:
    """Follow `__wrapped__` to the function that was decorated first."""
    seen = set()
    while id(function) not in seen and "__wrapped__" in getattr(function, "__dict__", {}):
        seen.add(id(function))
        function = function.__wrapped__
    return function


def _find_lost(module: ModuleType, own: dict[str, Any]) -> Iterator[str]:
    """Yield the functions that were marked but cannot be reached any more with their mark.

    The zygote's objects are frozen, so that the collector knows only what this file brought.
    """
    reached = {id(_unwrap(function)) for function in own.values()}
    for thing in gc.get_objects():
        if type(thing) is not FunctionType or thing.__module__ != module.__name__:
            continue
        is_top_level = "." not in thing.__qualname__
        if is_top_level and spec_of(thing) is not None and id(_unwrap(thing)) not in reached:
            yield thing.__qualname__


def _complain_of_lost(path: str, lost: list[str], own: Collection[str]) -> FileError:
    replaced = sorted({name for name in lost if name in own})
    decorated = [name for name in lost if name not in own]
    problems = []
    if replaced:
        problems.append(
            f"{', '.join(replaced)} is defined again further down and only the last one runs:"
            " rename one of them"
        )
    if decorated:
        problems.append(
            f"the schedule of {', '.join(decorated)} is lost in the decorator above it:"
            " put @schedule on top, or use functools.wraps in the decorator"
        )
    return complain(path, "LostScheduleError", "; ".join(problems))
