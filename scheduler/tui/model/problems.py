"""What is wrong with the service as a whole, the worst first, each with its remedy."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scheduler.db.console_rows import Overview, ProcessRow, ScanErrorRow
from scheduler.maintenance.congestion import Holder, find_congestion
from scheduler.maintenance.other_sources import REMEDY, other_sources
from scheduler.maintenance.replacement import unreplaced
from scheduler.maintenance.unscanned import unscanned
from scheduler.tui.look import Look
from scheduler.tui.model.board import Board
from scheduler.wording import plural, short_id, span

PERIODS = 3  # a duty that was due this many times over is overdue
DISK_LOW = 0.05
DISK_FULL = 0.001


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `is_severe`: nothing or too little runs."""

    text: str
    remedy: str
    is_severe: bool = False


def problems(
    overview: Overview, board: Board, look: Look, *, disk_free: float | None = None
) -> list[Problem]:
    """Return what is wrong, the worst first; [] is a healthy service."""
    is_recorded = disk_free is None or disk_free > DISK_FULL
    return [
        *(_processes(overview, board, look) if is_recorded else ()),
        *_disk(disk_free),
        *(_scans(overview, look) if is_recorded else ()),
        *(Problem(text, REMEDY) for text in other_sources(overview.deviations)),
        *(_lateness(board) if is_recorded else ()),
        *(_queue(overview, board, look) if is_recorded else ()),
        *_scan_errors(overview),
    ]


def is_alive(process: ProcessRow, look: Look) -> bool:
    """Tell whether a process lives, as far as its row can say."""
    silent = look.as_of - process.heartbeat_at
    return process.state != "lost" and silent <= look.config.dead_after_seconds


def takes_work(process: ProcessRow, look: Look) -> bool:
    """Tell whether a worker lives and does not drain."""
    return is_alive(process, look) and process.state != "draining"


def living_and_missing(
    overview: Overview, role: str, look: Look
) -> tuple[list[ProcessRow], list[ProcessRow]]:
    """Return the processes of a role that live, and the dead in whose place nobody came."""
    mine = [process for process in overview.processes if process.role == role]
    living = [process for process in mine if is_alive(process, look)]
    return living, unreplaced([one for one in mine if one not in living], living)


def _processes(overview: Overview, board: Board, look: Look) -> Iterator[Problem]:
    ticking, _ = living_and_missing(overview, "ticker", look)
    working, missing = living_and_missing(overview, "worker", look)
    if not ticking and not working and any(one.state != "lost" for one in overview.processes):
        # They did not say that they stop: killed, or a file is locked. This reads all the same.
        yield Problem("no process shows that it lives", "scheduler status", is_severe=True)
        return
    if not ticking and not working:
        yield Problem("the service is not running", "start it: scheduler run", is_severe=True)
        return
    if not ticking:
        yield Problem("no ticker is alive: nothing becomes due", "scheduler ticker", is_severe=True)
    elif (silent := min(look.as_of - ticker.heartbeat_at for ticker in ticking)) > (
        PERIODS * look.config.heartbeat_seconds
    ):
        yield Problem(f"the ticker is silent for {span(silent)}", "see its log", is_severe=True)
    if not working:
        yield Problem("no worker is alive: nothing runs", "scheduler worker", is_severe=True)
    for worker in missing:
        silence = span(look.as_of - worker.heartbeat_at)
        label = short_id(worker.id)
        yield Problem(f"worker {label} lost, silent {silence}", "see its log")


def _disk(free: float | None) -> Iterator[Problem]:
    if free is not None and free <= DISK_FULL:
        text = "the database's disk is full: nobody can record anything, nor show that he lives"
        yield Problem(text, "free some space, the service goes on by itself", is_severe=True)
    elif free is not None and free < DISK_LOW:
        yield Problem(
            f"the database's disk is nearly full: {free * 100:.1f}% free",
            "free space; scheduler prune",
            is_severe=True,
        )


def _scans(overview: Overview, look: Look) -> Iterator[Problem]:
    if overview.last_scan is None:
        return
    since = look.as_of - overview.last_scan.finished_at
    if since > PERIODS * look.config.scan_interval_seconds:
        yield Problem(f"no scan for {span(since)}", "is the service running?")


def _lateness(board: Board) -> Iterator[Problem]:
    if board.latest:
        verb = "is" if board.late_count == 1 else "are"
        text = f"{plural(board.late_count, 'function')} {verb} late"
        yield Problem(text, f"scheduler explain {shlex.quote(board.latest.name)}")


def _queue(overview: Overview, board: Board, look: Look) -> Iterator[Problem]:
    waiting = [queued for queued in overview.queued.values() if queued.ready]
    found = find_congestion(
        waiting=sum(queued.ready for queued in waiting),
        oldest_waiting_at=min(
            (queued.oldest_ready_at or look.as_of for queued in waiting), default=None
        ),
        holders=[
            Holder(
                run.id, board.name(run.function_id), run.started_at or look.as_of, run.claimed_by
            )
            for run in overview.running
        ],
        workers=[
            process
            for process in overview.processes
            if process.role == "worker" and takes_work(process, look)
        ],
        last_started_at=max((f.last_started_at or 0.0 for f in overview.functions), default=None),
        now=look.as_of,
    )
    if found:
        yield Problem(found.text, found.remedy)


def scan_errors_sign(errors: Sequence[ScanErrorRow], look: Look) -> tuple[str, str]:
    """Return the colour and the sign of the worst of some scan errors."""
    if not errors:
        return "ok", look.glyphs.ok
    is_mild = all(error.is_warning for error in errors)
    return ("warn", look.glyphs.warn) if is_mild else ("fail", look.glyphs.fail)


def _scan_errors(overview: Overview) -> Iterator[Problem]:
    broken = [error.path for error in overview.scan_errors if not error.is_warning]
    if said := unscanned(broken):
        yield Problem(said, "panel 3 says why")
    if warnings := len(overview.scan_errors) - len(broken):
        text = f"{plural(warnings, 'file')} printed or forked when imported"
        yield Problem(text, "panel 3 shows what")
