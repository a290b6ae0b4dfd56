"""`status`: health at a glance, and what to do about each problem."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace

from scheduler.cli.context import Context
from scheduler.cli.problems import Problem, find_problems
from scheduler.cli.screen import Screen
from scheduler.cli.states import WORDS, function_word
from scheduler.cli.survey import Survey, take_survey
from scheduler.cli.times import Times
from scheduler.errors import EXIT_OK
from scheduler.runner.complaint import ERROR
from scheduler.statuses import FAILED_OR_MISSED
from scheduler.wording import plural

# What no process can help, by the kind of the worst problem.
_HEADLINES = {
    "disk": "✗ held up by the disk",
    "lock": "✗ held up by a lock",
    "queue": "✗ held up by the queue",
}


def status(context: Context) -> int:
    """Print what is alive, how many functions and runs there are, and what is wrong."""
    context.open_database()
    survey = take_survey(context.config, context.clock.now())
    problems = [
        replace(problem, remedy=context.advised(problem.remedy))
        for problem in find_problems(survey)
    ]
    if context.args.json:
        context.screen.json(_as_json(survey, problems))
    else:
        _print(context.screen, survey, problems, context.times)
    return EXIT_OK


def _print(screen: Screen, survey: Survey, problems: list[Problem], times: Times) -> None:
    sign, role = _verdict(survey, problems)
    now = times.full(int(survey.now))
    screen.line(f"{screen.paint(sign, role)}  {survey.config.database_label}  {now}")
    for label, text in _facts(survey, times):
        screen.line(f"{screen.paint(f'{label:<11}', 'dim')}{text}")
    for problem in problems:
        mark = screen.paint("✗", "bad") if problem.is_grave else screen.paint("!", "warn")
        screen.line(f"{mark} {problem.text}")
        screen.line(f"  {screen.paint('→ ' + problem.remedy, 'dim')}")


def _verdict(survey: Survey, problems: list[Problem]) -> tuple[str, str]:
    if not problems:
        return "✓ all is well", "ok"
    if not any(problem.is_grave for problem in problems):
        return f"! running, {plural(len(problems), 'problem')}", "warn"
    worst = next(problem for problem in problems if problem.is_grave)
    if held_up := _HEADLINES.get(worst.kind):
        return held_up, "bad"
    if not survey.serving:
        return "✗ not running", "bad"
    if survey.is_stopping:
        return "! stopping", "warn"
    return "✗ only partly running", "bad"


def _facts(survey: Survey, times: Times) -> Iterator[tuple[str, str]]:
    slots = plural(sum(worker.slots for worker in survey.alive("worker")), "slot")
    yield "tickers", _alive(survey, "ticker")
    yield "workers", f"{_alive(survey, 'worker')}, {slots}"
    yield "functions", _functions(survey)
    yield "runs 24h", _runs(survey)
    queue = survey.queue
    open_runs = f"{queue.waiting:,} waiting, {queue.held:,} held, {queue.delayed:,} delayed"
    yield "queue", f"{open_runs}; {queue.running:,} running"
    yield "last scan", _scan(survey, times)
    if following := _next(survey):
        yield "next", f"{following[1]} {times.until(following[0])}"


def _alive(survey: Survey, role: str) -> str:
    silent = sum(p.role == role and p.condition == "stalled" for p in survey.processes)
    return f"{len(survey.alive(role))} alive" + (f", {silent} silent" if silent else "")


def _functions(survey: Survey) -> str:
    counts = Counter(function_word(function, survey.now) for function in survey.functions)
    parts = _in_order(counts)
    return f"{len(survey.functions):,}: {parts}" if parts else "none yet"


def _runs(survey: Survey) -> str:
    total = sum(survey.runs_24h.values())
    parts = _in_order(survey.runs_24h)
    return f"{total:,}: {parts}" if parts else "none"


def _in_order(counts: Mapping[str, int]) -> str:
    """Say how many there are of each word, as all commands order them; newer ones come last."""
    known = [word for word in WORDS if counts.get(word)]
    words = [*known, *(word for word in counts if word not in WORDS)]
    return ", ".join(f"{counts[word]:,} {word}" for word in words)


def _scan(survey: Survey, times: Times) -> str:
    scan = survey.last_scan
    if scan is None:
        return "never"
    files, functions = plural(scan.files, "file"), plural(scan.functions, "function")
    return f"{times.ago(scan.finished_at)}: {files}, {functions}, {plural(scan.errors, 'error')}"


def _next(survey: Survey) -> tuple[float, str] | None:
    coming = [
        (function.next_run_at, function.name)
        for function in survey.functions
        if function.state == "active" and function.enabled and function.next_run_at is not None
    ]
    return min(coming, default=None)


def _as_json(survey: Survey, problems: list[Problem]) -> dict[str, object]:
    return {
        "now": survey.now,
        "database": survey.config.database_label,
        "queue_location": survey.config.queue_label,
        "processes": list(survey.processes),
        "functions": {
            "total": len(survey.functions),
            "by_state": dict(Counter(function.state for function in survey.functions)),
            "failing": [f.name for f in survey.functions if f.last_status in FAILED_OR_MISSED],
        },
        "runs_24h": survey.runs_24h,
        "queue": asdict(survey.queue),
        "last_scan": survey.last_scan,
        "scan_errors": sum(error.severity == ERROR for error in survey.scan_errors),
        "problems": problems,
    }
