"""`health`: one answer for a probe, with the reason when it is no."""

from socket import gethostname

from scheduler.cli.context import Context
from scheduler.cli.disks import find_disk_faults
from scheduler.cli.locks import find_lock_faults
from scheduler.cli.problems import Problem, find_problems
from scheduler.cli.survey import take_survey
from scheduler.config import Config
from scheduler.errors import EXIT_FAILED, EXIT_OK
from scheduler.maintenance.conditions import Process, list_processes
from scheduler.wording import plural

_ROLES = {"ticker": ("ticker",), "worker": ("worker",), "all": ("ticker", "worker")}


def health(context: Context) -> int:
    """Exit 0 if the role lives, beats and reaches its database, else 1."""
    context.open_database()
    processes = list_processes(context.config, context.clock.now())
    if context.args.here:
        processes = [process for process in processes if process.host == gethostname()]
    roles = _ROLES[context.args.role]
    reasons = [reason for role in roles if (reason := _why_unwell(role, processes))]
    if reasons and (disks := _why_silent(context.config)):
        reasons = disks
    if context.args.strict:
        problems = find_problems(take_survey(context.config, context.clock.now()))
        reasons += [problem.text for problem in problems if _counts(problem)]
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


def _why_silent(config: Config) -> list[str]:
    """Say why no process can show that it lives: a file cannot be written to."""
    faults = (*find_disk_faults(config), *find_lock_faults(config))
    return [fault.text for fault in faults if fault.is_silencing]


def _counts(problem: Problem) -> bool:
    return problem.kind in {"scan", "late", "queue", "disk", "lock"}
