"""What is wrong with the service, each with its remedy; the worst first."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from scheduler.cli.disks import find_disk_faults
from scheduler.cli.states import is_late
from scheduler.cli.survey import Survey
from scheduler.db.report_rows import FAILED
from scheduler.maintenance.conditions import Process
from scheduler.wording import plural, span

_SHOWN = 5
_QUEUE_WAIT_SECONDS = 30.0
_SCAN_PERIODS = 3
_NEWS_SECONDS = 3600.0  # how long a restart is worth telling


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem; `is_grave`: nothing runs.

    kind: disk, process, scan, import, source, late, failing, queue.
    """

    kind: str
    text: str
    remedy: str
    is_grave: bool = False


def find_problems(survey: Survey) -> list[Problem]:
    """Return all problems, empty when all is well."""
    return [
        *_disks(survey),
        *_missing_roles(survey),
        *_bad_processes(survey),
        *_scan(survey),
        *_other_sources(survey),
        *_late(survey),
        *_waiting(survey),
        *_failing(survey),
    ]


def _disks(survey: Survey) -> Iterator[Problem]:
    for text, remedy in find_disk_faults(survey.config):
        yield Problem("disk", text, remedy, is_grave=True)


def _missing_roles(survey: Survey) -> Iterator[Problem]:
    if not survey.alive("ticker"):
        yield Problem(
            "process", "no ticker is alive: nothing new starts", "scheduler run", is_grave=True
        )
    if not survey.alive("worker"):
        yield Problem(
            "process", "no worker is alive: nothing is executed", "scheduler run", is_grave=True
        )


def _bad_processes(survey: Survey) -> Iterator[Problem]:
    for process in survey.processes:
        if process.condition == "dead":
            why = f": {process.detail}" if process.detail else ""
            yield Problem(
                "process", f"{process.label} is dead{why}", "its runs were given a verdict"
            )
        if process.condition == "stalled":
            silence = span(survey.now - process.heartbeat_at)
            remedy = "if it stays so, end it: its runs get a verdict"
            yield Problem("process", f"{process.label} has not beaten for {silence}", remedy)
        is_new = survey.now - process.started_at < _NEWS_SECONDS
        if process.is_alive and is_new and (restarts := _restarts(process)):
            yield Problem("process", f"{process.label}: {restarts}", "see the service's log")


def _restarts(process: Process) -> str | None:
    """Return what the supervisor has to tell; a worker's detail begins with how busy it is."""
    parts = (process.detail or "").split("; ")
    return next((part for part in parts if part.startswith("restarted")), None)


def _scan(survey: Survey) -> Iterator[Problem]:
    warnings = sum(error.severity == "warning" for error in survey.scan_errors)
    if errors := len(survey.scan_errors) - warnings:
        yield Problem("scan", f"{plural(errors, 'file')} cannot be scanned", "scheduler errors")
    if warnings:
        text = f"{plural(warnings, 'file')} printed or forked when imported"
        yield Problem("import", text, "scheduler errors")
    scan, patience = survey.last_scan, _SCAN_PERIODS * survey.config.scan_interval_seconds
    if survey.alive("ticker") and scan and survey.now - scan.finished_at > patience:
        age = span(survey.now - scan.finished_at)
        yield Problem("scan", f"no scan for {age}", "scheduler scan shows what holds it up")


def _other_sources(survey: Survey) -> Iterator[Problem]:
    by_worker = Counter(found.worker for found in survey.deviations)
    for worker, count in by_worker.items():
        example = next(found.name for found in survey.deviations if found.worker == worker)
        others = f" and {count - 1} more" if count > 1 else ""
        text = f"{worker} runs another version of {example}{others} than the scan saw"
        yield Problem("source", text, "bring the same files to all hosts")


def _late(survey: Survey) -> Iterator[Problem]:
    late = [function for function in survey.functions if is_late(function, survey.now)]
    for function in late[:_SHOWN]:
        by = span(survey.now - (function.next_run_at or survey.now))
        yield Problem("late", f"{function.name} is {by} late", f"scheduler explain {function.name}")
    if len(late) > _SHOWN:
        yield Problem("late", f"{len(late) - _SHOWN} more functions are late", "scheduler list")


def _waiting(survey: Survey) -> Iterator[Problem]:
    oldest_at = survey.queue.oldest_waiting_at
    if oldest_at and survey.alive("worker") and survey.now - oldest_at > _QUEUE_WAIT_SECONDS:
        runs = plural(survey.queue.waiting, "run")
        text = f"{runs} wait for a free slot, the oldest for {span(survey.now - oldest_at)}"
        yield Problem("queue", text, "raise worker_concurrency or start another worker")


def _failing(survey: Survey) -> Iterator[Problem]:
    failing = [f for f in survey.functions if f.last_status in FAILED and f.state != "gone"]
    failing.sort(key=lambda f: -f.consecutive_failures)
    for function in failing[:_SHOWN]:
        times = plural(max(1, function.consecutive_failures), "time")
        text = f"{function.name} failed {times} in a row"
        yield Problem("failing", text, f"scheduler runs {function.name} --failed")
    if len(failing) > _SHOWN:
        text = f"{len(failing) - _SHOWN} more functions fail"
        yield Problem("failing", text, "scheduler runs --failed")
