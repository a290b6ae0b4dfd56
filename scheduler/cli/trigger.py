"""`trigger`: runs a function now, and says truly what will become of that."""

import shlex
import sys
from collections.abc import Iterator
from functools import partial

from scheduler.cli.context import Context
from scheduler.cli.runs import error_in_words
from scheduler.cli.standing import hindrance, why_broken, why_gone
from scheduler.cli.waiting import wait_for_verdict
from scheduler.db.report_rows import FunctionReport, RunReport
from scheduler.db.reports import find_function, find_open_before, find_run, read_queue
from scheduler.errors import EXIT_FAILED, EXIT_OK, SchedulerError
from scheduler.maintenance.conditions import Process, has_ticker, list_processes
from scheduler.maintenance.requests import Requests
from scheduler.wording import plural, span


def trigger(context: Context) -> int:
    """Queue a run of a function now; with --wait, return when it and its retries have ended."""
    context.open_database(read_only=False)
    name = context.args.name
    function = find_function(name)
    if function.state == "gone":
        raise SchedulerError(why_gone(function, context.config, context.clock.now()))
    requests = Requests(context.config, context.clock)
    run_id, fault = requests.request_run(name, force=context.args.force)
    try:
        return _follow(context, function, run_id, fault)
    except KeyboardInterrupt:
        show = context.advised(f"`scheduler runs {shlex.quote(name)}` tells how it ends")
        print(f"note: run {run_id} goes on without being waited for; {show}", file=sys.stderr)
        raise


def _follow(context: Context, function: FunctionReport, run_id: int, fault: str | None) -> int:
    """Say what becomes of a run that is queued; with --wait, until it has ended."""
    screen = context.screen
    processes = list_processes(context.config, context.clock.now())
    run = find_run(run_id)
    if not context.args.json:
        prospect = "is queued" if fault else _prospect(run, processes, context.clock.now())
        screen.text(f"run {run_id} of {function.name} {prospect}\n")
    for remark in _remarks(function, run, processes, fault):
        print(f"note: {context.advised(remark)}", file=sys.stderr)
    why_not, told_id = None, run.id if run.is_final and not fault else None
    if context.args.wait:
        run, why_not = wait_for_verdict(context, run_id, on_retry=partial(_tell_retry, context))
    if context.args.json:
        missing = _missing_roles(processes)
        screen.json({"run_id": run_id, "status": run.status, "not_alive": missing, "unsent": fault})
    if why_not is not None:
        raise SchedulerError(f"run {run.id} is still {run.status}: {why_not}; it is not waited for")
    if context.args.wait and run.id != told_id and not context.args.json:
        screen.line(f"run {run.id} ended: {_ending(run)}")
    return EXIT_OK if not context.args.wait or run.status == "success" else EXIT_FAILED


def _tell_retry(context: Context, failed: RunReport, following: RunReport) -> None:
    if not context.args.json:
        wait = span(max((following.available_at or 0.0) - context.clock.now(), 0.0))
        retry = f"attempt {following.attempt} is run {following.id}, in {wait}"
        context.screen.line(f"run {failed.id} ended: {_ending(failed)}; {retry}")


def _ending(run: RunReport) -> str:
    why = error_in_words(run)
    return f"{run.status}{f' ({why})' if why else ''}"


def _prospect(run: RunReport, processes: list[Process], now: float) -> str:
    """Say when a run that was just queued starts."""
    if run.status != "queued":
        return "is running" if run.status == "running" else f"ended: {_ending(run)}"
    workers = [process for process in processes if process.takes_work]
    if not workers:
        return "is queued, but no worker is alive to run it"
    if run.available_at is None:
        before = find_open_before(run)
        number = f"run {before.id}, which is {before.status}," if before else "the run before it"
        return f"is queued and starts when {number} has ended (--force would not wait)"
    slots, queue = sum(worker.slots for worker in workers), read_queue(now)
    if queue.running + queue.waiting > slots:
        return f"is queued and starts when one of the {plural(slots, 'slot')} is free"
    return "is queued and starts now"


def _remarks(
    function: FunctionReport, run: RunReport, processes: list[Process], fault: str | None
) -> Iterator[str]:
    """Say what else one should know: what is missing, with its remedy, and what will not work."""
    if fault is not None:
        yield f"{fault.rstrip('.')}; it starts when a ticker can reach it; no need to do it again"
    missing = _missing_roles(processes)
    if "worker" in missing:
        start = "scheduler run" if "ticker" in missing else "scheduler worker"
        undo = f"`scheduler cancel {run.id}` takes it off the queue"
        yield f"it starts as soon as there is a worker: `{start}`; {undo}"
    elif "ticker" in missing:
        retries = "its retries and " if function.retries else ""
        yield f"no ticker is alive: {retries}all schedules stand still; `scheduler ticker`"
    if why := hindrance(function):
        yield f"{why}; a run by hand is done all the same"
    if why := why_broken(function):
        yield why


def _missing_roles(processes: list[Process]) -> list[str]:
    has_worker = any(process.takes_work for process in processes)
    return [*([] if has_ticker(processes) else ["ticker"]), *([] if has_worker else ["worker"])]
