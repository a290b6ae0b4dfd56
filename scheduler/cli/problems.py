"""What is wrong with the service, each with its remedy; the worst first."""

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scheduler.cli.disks import FileFault, find_disk_faults
from scheduler.cli.locks import find_lock_faults
from scheduler.cli.queue_server import PATIENCE_SECONDS, REACH_REMEDY, find_queue_fault
from scheduler.cli.states import is_late
from scheduler.cli.survey import Survey
from scheduler.db.report_rows import FunctionReport
from scheduler.maintenance.conditions import Process
from scheduler.maintenance.congestion import Holder, find_congestion
from scheduler.maintenance.other_sources import REMEDY, other_sources
from scheduler.maintenance.replacement import unreplaced
from scheduler.maintenance.unscanned import unscanned
from scheduler.statuses import FAILED_OR_MISSED
from scheduler.wording import plural, span

_SHOWN = 5
_SCAN_PERIODS = 3
_NEWS_SECONDS = 3600.0  # how long a restart is worth telling


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem; `is_grave`: while it lasts nothing starts, or nothing is executed.

    kind: disk, lock, process, scan, import, source, late, failing, queue.
    """

    kind: str
    text: str
    remedy: str
    is_grave: bool = False


def find_problems(survey: Survey) -> list[Problem]:
    """Return all problems, empty when all is well."""
    files = [*find_disk_faults(survey.config)]
    if _looks_dead(survey):
        files += find_lock_faults(survey.config)
    silenced = frozenset[str]().union(*(fault.silenced for fault in files))
    found = [
        *(problem_of_file(fault) for fault in files),
        *_of_processes(survey, silenced),
        *(() if "ticker" in silenced else (*_scan_age(survey), *_late(survey))),
        *(() if files else _waiting(survey)),
        *_scan_errors(survey),
        *_other_sources(survey),
        *_other_folders(survey),
        *_failing(survey),
    ]
    return sorted(found, key=lambda problem: not problem.is_grave)


def _looks_dead(survey: Survey) -> bool:
    """Tell whether it may be that processes wait for somebody who keeps a file locked."""
    is_late_somewhere = any(is_late(function, survey.now) for function in survey.functions)
    return is_late_somewhere or not (survey.alive("ticker") and survey.alive("worker"))


def problem_of_file(fault: FileFault) -> Problem:
    """Return the problem that a file which cannot be written to makes."""
    so = "nothing can be recorded" if fault.key == "db_path" else "nothing can be queued"
    if "worker" in fault.silenced:
        so += ", nor can living processes show that they live"
    return Problem(fault.kind, f"{fault.text}: {so}", fault.remedy, is_grave=True)


def _of_processes(survey: Survey, silenced: frozenset[str]) -> Iterator[Problem]:
    """Tell of missing and dead processes, where those that live can show it."""
    yield from _missing_roles(survey, silenced)
    yield from _bad_processes([one for one in survey.processes if one.role not in silenced], survey)


def _missing_roles(survey: Survey, silenced: frozenset[str]) -> Iterator[Problem]:
    has_ticker, has_worker = bool(survey.alive("ticker")), bool(survey.alive("worker"))
    if not has_ticker and "ticker" not in silenced:
        late = sum(is_late(function, survey.now) for function in survey.functions)
        verb = "is" if late == 1 else "are"
        so = f", {plural(late, 'function')} {verb} late" if late else ""
        text = f"no ticker is alive: nothing new starts{so}"
        remedy = _start_remedy(survey, "ticker") if has_worker else "scheduler run"
        yield Problem("process", text, remedy, is_grave=True)
    if not has_worker and "worker" not in silenced:
        waiting = survey.queue.waiting
        verb = "waits" if waiting == 1 else "wait"
        so = f", {plural(waiting, 'run')} {verb}" if waiting else ""
        text = f"no worker is alive: nothing is executed{so}"
        remedy = _start_remedy(survey, "worker") if has_ticker else "scheduler run"
        yield Problem("process", text, remedy, is_grave=True)


def _start_remedy(survey: Survey, role: str) -> str:
    return "scheduler run, once it has stopped" if survey.is_stopping else f"scheduler {role}"


def _bad_processes(processes: Sequence[Process], survey: Survey) -> Iterator[Problem]:
    for process in _unreplaced(processes):
        why = f" ({process.detail})" if process.detail else ""
        text = f"{process.label} died{why} and nothing took its place"
        yield Problem("process", text, f"start it again: scheduler {process.role}")
    for process in processes:
        if process.condition == "stalled":
            silence = span(survey.now - process.heartbeat_at)
            so = ": its runs get a verdict" if process.role == "worker" else " and start it again"
            remedy = f"if it stays so, end it{so}"
            yield Problem("process", f"{process.label} has not beaten for {silence}", remedy)
        is_new = survey.now - process.started_at < _NEWS_SECONDS
        if process.is_alive and is_new and (restarts := _restarts(process)):
            yield Problem("process", f"{process.label}: {restarts}", "see the service's log")


def _unreplaced(processes: Sequence[Process]) -> Iterator[Process]:
    for role in ("ticker", "worker"):
        mine = [process for process in processes if process.role == role]
        dead = [process for process in mine if process.condition == "dead"]
        yield from unreplaced(dead, [process for process in mine if process.condition != "dead"])


def _restarts(process: Process) -> str | None:
    """Return what the supervisor has to tell of a process that it had to restart again and again.

    A worker's detail begins with how busy it is. A single restart is over and done with.
    """
    parts = (process.detail or "").split("; ")
    told = next((part for part in parts if part.startswith("restarted")), None)
    return None if told is None or told.startswith("restarted once") else told


def _scan_errors(survey: Survey) -> Iterator[Problem]:
    broken = [error.path for error in survey.scan_errors if error.severity != "warning"]
    if text := unscanned(broken):
        yield Problem("scan", text, "scheduler errors")
    if warnings := len(survey.scan_errors) - len(broken):
        text = f"{plural(warnings, 'file')} printed or forked when imported"
        yield Problem("import", text, "scheduler errors")


def _scan_age(survey: Survey) -> Iterator[Problem]:
    scan, patience = survey.last_scan, _SCAN_PERIODS * survey.config.scan_interval_seconds
    if survey.alive("ticker") and scan and survey.now - scan.finished_at > patience:
        age = span(survey.now - scan.finished_at)
        yield Problem("scan", f"no scan for {age}", "scheduler scan shows what holds it up")


def _other_sources(survey: Survey) -> Iterator[Problem]:
    for text in other_sources(survey.deviations):
        yield Problem("source", text, REMEDY)


def _other_folders(survey: Survey) -> Iterator[Problem]:
    """Tell of a ticker that scans other folders of this machine: each takes the other's for gone.

    Then functions have come back of late. On another host the same folder may have another path.
    """
    since = survey.now - _SCAN_PERIODS * survey.config.scan_interval_seconds
    are_some_back = any(
        function.back_at and function.back_at > since for function in survey.functions
    )
    if len(survey.alive("ticker")) < 2 or not are_some_back:
        return
    ours = set(map(str, survey.config.scan_paths))
    theirs = {
        function.scan_path
        for function in survey.functions
        if function.scan_path not in ours
        and (function.state != "gone" or (function.gone_at or 0.0) > since)
    }
    for folder in sorted(filter(os.path.isdir, theirs))[:_SHOWN]:
        text = f"another ticker scans {folder}, which is not in scan_paths here"
        remedy = "give both the same scan_paths, or each a database of its own"
        yield Problem("source", f"{text}: functions come and go", remedy)


def _late(survey: Survey) -> Iterator[Problem]:
    if not survey.alive("ticker"):
        return  # then all of them are, and the ticker is what is wrong
    late = [function for function in survey.functions if is_late(function, survey.now)]
    for function in late[:_SHOWN]:
        by = span(survey.now - (function.next_run_at or survey.now))
        remedy = f"scheduler explain {shlex.quote(function.name)}"
        yield Problem("late", f"{function.name} is {by} late", remedy)
    if more := _more(late, "is late", "are late"):
        yield Problem("late", more, "scheduler list")


def _waiting(survey: Survey) -> Iterator[Problem]:
    found = find_congestion(
        waiting=survey.queue.waiting,
        oldest_waiting_at=survey.queue.oldest_waiting_at,
        holders=[
            Holder(run.id, run.name, run.started_at or survey.now, run.claimed_by)
            for run in survey.running
        ],
        workers=[process for process in survey.processes if process.takes_work],
        last_started_at=max((f.last_started_at or 0.0 for f in survey.functions), default=None),
        now=survey.now,
    )
    # To load a driver and to connect takes as long as all the rest: only where something is amiss.
    if found and found.is_idle and (fault := find_queue_fault(survey.config, PATIENCE_SECONDS)):
        yield Problem("queue", f"{fault}; {found.text}", REACH_REMEDY, is_grave=True)
    elif found:
        yield Problem("queue", found.text, found.remedy)


def _failing(survey: Survey) -> Iterator[Problem]:
    failing = [function for function in survey.functions if _fails(function)]
    failing.sort(key=lambda function: -function.consecutive_failures)
    for function in failing[:_SHOWN]:
        count = function.consecutive_failures
        times = f"failed {count:,} times in a row" if count > 1 else "failed"
        remedy = f"scheduler runs {shlex.quote(function.name)} --failed"
        yield Problem("failing", f"{function.name} {times}", remedy)
    if more := _more(failing, "fails", "fail"):
        yield Problem("failing", more, "scheduler runs --failed")


def _fails(function: FunctionReport) -> bool:
    """Tell whether somebody should look: not while it is tried again, nor if it is off or gone.

    A run that an orderly stop cut off is lost, but counts as no failure.
    """
    is_tried_again = function.queued and function.consecutive_failures <= function.retries
    is_on = function.state == "active" and function.enabled
    has_failed = function.last_status in FAILED_OR_MISSED and function.consecutive_failures > 0
    return is_on and has_failed and not is_tried_again


def _more(functions: Sequence[FunctionReport], one: str, many: str) -> str:
    count = len(functions) - _SHOWN
    return "" if count <= 0 else f"{plural(count, 'more function')} {one if count == 1 else many}"
