"""`health`: one answer for a probe, with the reason when it is no."""

from socket import gethostname

from scheduler.cli.context import Context
from scheduler.cli.disks import FileFault, find_disk_faults
from scheduler.cli.locks import find_lock_faults
from scheduler.cli.problems import find_problems, problem_of_file
from scheduler.cli.survey import take_survey
from scheduler.config import Config
from scheduler.errors import EXIT_FAILED, EXIT_OK
from scheduler.maintenance.conditions import Process, list_processes
from scheduler.wording import plural

_ROLES = {"ticker": ("ticker",), "worker": ("worker",), "all": ("ticker", "worker")}
_COUNTING = {"scan", "late", "queue", "disk", "lock"}  # kinds of problems, with --strict


def health(context: Context) -> int:
    """Exit 0 if the role lives, beats and reaches its database, else 1."""
    context.open_database()
    processes = list_processes(context.config, context.clock.now())
    if context.args.here:
        processes = [process for process in processes if process.host == gethostname()]
    roles = _ROLES[context.args.role]
    unwell = {role: reason for role in roles if (reason := _why_unwell(role, processes))}
    faults = _find_faults(unwell, context.config)
    reasons = [fault.text for fault in faults] + [
        reason
        for role, reason in unwell.items()
        if not any(role in fault.silenced for fault in faults)
    ]
    if context.args.strict:
        problems = find_problems(take_survey(context.config, context.clock.now()))
        told = [problem_of_file(fault) for fault in faults]
        reasons += [
            problem.text
            for problem in problems
            if problem.kind in _COUNTING and problem not in told
        ]
    alive = {role: sum(p.role == role and p.is_alive for p in processes) for role in roles}
    if context.args.json:
        context.screen.json({"healthy": not reasons, "alive": alive, "reasons": reasons})
    elif reasons:
        context.screen.line(f"unhealthy: {'; '.join(reasons)}")
    else:
        said = ", ".join(f"{plural(count, role)} alive" for role, count in alive.items())
        context.screen.line(f"healthy: {said}")
    return EXIT_FAILED if reasons else EXIT_OK


def _why_unwell(role: str, processes: list[Process]) -> str | None:
    """Say why no process of this role does its work; None if one does."""
    own = [process for process in processes if process.role == role]
    if any(process.is_alive for process in own):
        return None
    stalled = [process.label for process in own if process.condition == "stalled"]
    if stalled:
        return f"{stalled[0]} has stopped beating"
    return f"no {role} is alive"


def _find_faults(unwell: dict[str, str], config: Config) -> list[FileFault]:
    """Return the faults of files for which a role cannot show that it lives."""
    faults = (*find_disk_faults(config), *find_lock_faults(config)) if unwell else ()
    return [fault for fault in faults if not fault.silenced.isdisjoint(unwell)]
