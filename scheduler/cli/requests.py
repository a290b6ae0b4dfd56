"""The commands that ask for something: trigger, pause, resume, cancel, stack, prune."""

import sys

from scheduler.cli.context import Context
from scheduler.clock import sleep
from scheduler.db.report_rows import RunReport
from scheduler.db.reports import find_function, find_run, list_attempts, read_texts
from scheduler.errors import EXIT_FAILED, EXIT_OK, SchedulerError
from scheduler.maintenance.conditions import Process, list_processes
from scheduler.maintenance.requests import Requests
from scheduler.wording import plural

_POLL_SECONDS = 0.1
_STACK_SECONDS = 10.0


def trigger(context: Context) -> int:
    """Queue a run of a function now; with --wait, return when it and its retries have ended."""
    context.open_database(read_only=False)
    name, screen = context.args.name, context.screen
    if find_function(name).state == "gone":
        raise SchedulerError(f"{name} is gone from the code; `scheduler errors` may tell why")
    run_id = Requests(context.config, context.clock).request_run(name, force=context.args.force)
    missing = _missing_roles(list_processes(context.config, context.clock.now()))
    run = find_run(run_id)
    if not context.args.json:
        when = "when the run before it has ended" if run.available_at is None else "now"
        screen.text(f"run {run_id} of {name} is queued and starts {when}\n")
    if missing:
        remedy = "it starts as soon as one does (`scheduler run`)"
        print(f"warning: no {' and no '.join(missing)} is alive; {remedy}", file=sys.stderr)
    if context.args.wait:
        run = _wait_for_verdict(run_id)
        if not context.args.json:
            screen.line(f"run {run.id} ended: {run.status}{_why(run)}")
    if context.args.json:
        screen.json({"run_id": run_id, "status": run.status, "not_alive": missing})
    return EXIT_OK if not context.args.wait or run.status == "success" else EXIT_FAILED


def pause(context: Context) -> int:
    """Let a function's slots be skipped from now on."""
    context.open_database(read_only=False)
    name = context.args.name
    is_paused = Requests(context.config, context.clock).pause(name)
    undo = f"`scheduler resume {name}` lets it run again"
    if is_paused:
        context.screen.line(f"{name} is paused; {undo}")
    elif find_function(name).state == "gone":
        context.screen.line(f"{name} is gone from the code; it has no slots to skip")
    else:
        context.screen.line(f"{name} is paused already; {undo}")
    return EXIT_OK


def resume(context: Context) -> int:
    """Let a paused function go on with its grid."""
    context.open_database(read_only=False)
    name = context.args.name
    is_changed = Requests(context.config, context.clock).resume(name)
    context.screen.line(f"{name} runs again" if is_changed else f"{name} was not paused")
    return EXIT_OK


def cancel(context: Context) -> int:
    """Take a run off the queue, or have it stopped; fails if it has ended already."""
    context.open_database(read_only=False)
    run_id = context.args.run
    answer = Requests(context.config, context.clock).cancel(run_id)
    if answer == "cancelled":
        context.screen.line(f"run {run_id} is cancelled, it had not started")
    elif answer == "requested":
        context.screen.line(f"run {run_id} is being stopped; `scheduler show {run_id}` follows it")
    else:
        raise SchedulerError(f"run {run_id} has ended already: {answer}")
    return EXIT_OK


def stack(context: Context) -> int:
    """Print where a running run is: the Python stack of all its threads."""
    context.open_database(read_only=False)
    run = find_run(context.args.run)
    if not Requests(context.config, context.clock).request_stack(run.id):
        raise SchedulerError(f"run {run.id} is not running, it is {run.status}")
    until = context.clock.monotonic() + _STACK_SECONDS
    while context.clock.monotonic() < until:
        if found := read_texts(run.id).stack:
            if context.args.json:
                context.screen.json({"run_id": run.id, "stack": found})
            else:
                context.screen.line(found.rstrip("\n"))
            return EXIT_OK
        if find_run(run.id).is_final:
            raise SchedulerError(f"run {run.id} ended before it could answer")
        sleep(_POLL_SECONDS)
    raise SchedulerError(
        f"run {run.id} did not answer within {_STACK_SECONDS:g} s; is its worker alive? "
        "`scheduler status` tells"
    )


def prune(context: Context) -> int:
    """Delete what retention says, now."""
    from scheduler.maintenance.retention import apply_retention

    context.open_database(read_only=False)
    clock = context.clock
    count = apply_retention(context.config, clock.now(), clock=clock, pause=sleep)
    if context.args.json:
        context.screen.json({"deleted": count})
    else:
        context.screen.line(f"{plural(count, 'run')} deleted")
    return EXIT_OK


def _missing_roles(processes: list[Process]) -> list[str]:
    alive = {process.role for process in processes if process.is_alive}
    return [role for role in ("ticker", "worker") if role not in alive]


def _wait_for_verdict(root_id: int) -> RunReport:
    """Return the last attempt; a retry is queued in the transaction that ends the one before."""
    while True:
        last = list_attempts(root_id)[-1]
        if last.is_final:
            return last
        sleep(_POLL_SECONDS)


def _why(run: RunReport) -> str:
    why = ": ".join(part for part in (run.error_type, run.error_message) if part) or run.reason
    return f" ({why})" if why else ""
