"""The commands that ask for something: pause, resume, cancel, stack, prune."""

import shlex

from scheduler.cli.context import Context
from scheduler.cli.standing import hindrance, why_gone
from scheduler.cli.waiting import why_helpless
from scheduler.clock import sleep
from scheduler.db.report_rows import FunctionReport
from scheduler.db.reports import find_function, find_run, read_texts
from scheduler.errors import EXIT_OK, SchedulerError
from scheduler.maintenance.conditions import list_processes
from scheduler.maintenance.requests import Requests
from scheduler.wording import plural

_POLL_SECONDS = 0.1
_STACK_SECONDS = 10.0


def pause(context: Context) -> int:
    """Let a function's slots be skipped from now on."""
    context.open_database(read_only=False)
    name = context.args.name
    is_paused = Requests(context.config, context.clock).pause(name)
    function = find_function(name)
    if function.state == "gone":
        raise SchedulerError(_nothing_to_do(context, function))
    again = "" if is_paused else " already"
    undo = context.advised(f"`scheduler resume {shlex.quote(name)}` lets it run again")
    going = "; what runs now goes on" if function.running else ""
    context.screen.line(f"{name} is paused{again}; {undo}{going}")
    return EXIT_OK


def resume(context: Context) -> int:
    """Let a paused function go on with its grid."""
    context.open_database(read_only=False)
    name = context.args.name
    is_changed = Requests(context.config, context.clock).resume(name)
    function = find_function(name)
    if function.state == "gone":
        raise SchedulerError(_nothing_to_do(context, function))
    said = "is resumed" if is_changed else "was not paused"
    why = hindrance(function)  # disabled: resumed all the same, but it does not run
    following = context.times.until(function.next_run_at)
    rest = (
        f"; but {context.advised(why)}"
        if why
        else f"; its next slot is {following}"
        if following
        else ""
    )
    context.screen.line(f"{name} {said}{rest}")
    return EXIT_OK


def cancel(context: Context) -> int:
    """Take a run off the queue, or have it stopped; fails if it has ended already."""
    context.open_database(read_only=False)
    run_id, screen = context.args.run, context.screen
    answer = Requests(context.config, context.clock).cancel(run_id)
    run = find_run(run_id)
    if answer == "withdrawn":
        screen.line(f"run {run_id} is cancelled, it had not started")
    elif answer == "requested":
        now = context.clock.now()
        if why := why_helpless(run, list_processes(context.config, now), now):
            raise SchedulerError(f"run {run_id} is still {run.status}: {why}; `scheduler run`")
        show = context.advised(f"`scheduler show {run_id}`")
        screen.line(f"run {run_id} is being cancelled; {show} tells how it ends")
    else:
        when = "" if run.finished_at is None else f", {context.times.ago(run.finished_at)}"
        raise SchedulerError(f"run {run_id} has ended already: {answer}{when}")
    return EXIT_OK


def stack(context: Context) -> int:
    """Print where a running run is: the Python stack of all its threads."""
    context.open_database(read_only=False)
    run = find_run(context.args.run)
    if not Requests(context.config, context.clock).request_stack(run.id):
        state = "has ended already:" if run.is_final else "is not running, it is"
        raise SchedulerError(f"run {run.id} {state} {run.status}")
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


def _nothing_to_do(context: Context, function: FunctionReport) -> str:
    return f"{why_gone(function, context.config, context.clock.now())}; it has no slots meanwhile"
