"""One trial: a service in a folder of its own runs, is disturbed, settles, and is checked."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scheduler.clock import Clock, sleep
from scheduler.config import Config, load_config
from scheduler.db.connection import close_database
from scheduler.db.ledger import LedgerFunction, LedgerRow, count_unsettled, fetch_ledger
from scheduler.db.schema import open_existing
from scheduler.errors import DatabaseUnavailableError, SchedulerError
from scheduler.selftest.chaos import Chaos
from scheduler.selftest.checker import Demand, Violation, check
from scheduler.selftest.journal import read_journal
from scheduler.selftest.report import Report, lines
from scheduler.selftest.troop import Troop, processes_in
from scheduler.triggers import Trigger, build_trigger, first_from

START_SECONDS = 60.0
SETTLE_SECONDS = 120.0
HEARTBEAT_SECONDS = 0.5
DEAD_AFTER_SECONDS = 3.0
LONGEST_PAUSE_SECONDS = 1.5 * DEAD_AFTER_SECONDS
_STEP_SECONDS = 0.05
_LEAD_SECONDS = 4.0  # the first slot lies so far ahead that the first scan has been made


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long, how many processes, and whether they are killed and paused; durations in s."""

    seconds: float
    tickers: int
    workers: int
    seed: int
    has_chaos: bool


def run_trial(plan: Plan, folder: Path, clock: Clock, tell: Callable[[str], None]) -> Report:
    """Run one trial in an empty folder and check it; `tell` is given a line at each new stage.

    Raises SchedulerError when the service does not come up at all.
    """
    start_at = _prepare(folder, clock)
    config = load_config(folder / "scheduler.toml", {})
    roles = ["ticker"] * plan.tickers + ["worker"] * plan.workers
    troop = Troop(folder / "scheduler.toml", roles, clock)
    chaos = Chaos(plan.seed, longest_pause=LONGEST_PAUSE_SECONDS, find=troop.pids)
    try:
        tell(f"starting {plan.tickers} ticker(s) and {plan.workers} worker(s) in {folder}")
        troop.keep()
        _wait(lambda: _knows_functions(config), START_SECONDS, "the first scan", clock)
        tell(f"running {plan.seconds:g} s" + (f" of chaos, seed {plan.seed}" * plan.has_chaos))
        until_at = _run(plan, troop, chaos, clock)
        tell("settling: every slot must get its verdict without help")
        settled = _settle(config, troop, until_at, clock)
        problems = [] if troop.stop() else [Violation("stop", "-", "a process had to be killed")]
        problems += _left_over(folder)
    finally:
        chaos.end()
        troop.close()
    functions, rows = _read(config)
    demands = [_demand(plan, function, start_at, until_at) for function in functions]
    problems += check(demands, rows, read_journal(folder / "functions" / "journal.jsonl"))
    if not settled:
        problems.append(Violation("undecided", "-", f"not settled after {SETTLE_SECONDS:g} s"))
    return Report(
        seed=plan.seed,
        seconds=plan.seconds,
        lines=lines(demands, rows),
        violations=tuple(problems),
        dealt=dict(sorted(chaos.dealt.items())),
        restarts=troop.restarts,
        folder=str(folder),
    )


def _prepare(folder: Path, clock: Clock) -> float:
    """Write the configuration and the functions; return the instant their grids begin at."""
    functions = folder / "functions"
    functions.mkdir()
    start_at = float(int(clock.now() + _LEAD_SECONDS))
    (functions / "start.txt").write_text(str(start_at))
    shutil.copy(Path(__file__).with_name("course.py"), functions)
    (folder / "scheduler.toml").write_text(
        'scan_paths = ["functions"]\nscan_interval_seconds = 5\nworker_concurrency = 4\n'
        f"heartbeat_seconds = {HEARTBEAT_SECONDS}\ndead_after_seconds = {DEAD_AFTER_SECONDS}\n"
        "shutdown_grace_seconds = 20\n"
    )
    return start_at


def _knows_functions(config: Config) -> bool:
    try:
        return bool(_read(config)[0])
    except DatabaseUnavailableError:
        return False


def _run(plan: Plan, troop: Troop, chaos: Chaos, clock: Clock) -> float:
    until = clock.monotonic() + plan.seconds
    while clock.monotonic() < until:
        troop.keep()
        if plan.has_chaos:
            chaos.step(clock.monotonic())
        sleep(_STEP_SECONDS)
    chaos.end()
    return clock.now()


def _settle(config: Config, troop: Troop, until_at: float, clock: Clock) -> bool:
    def is_settled() -> bool:
        troop.keep()
        try:
            open_existing(config, read_only=True)
            return count_unsettled(until_at) == 0
        finally:
            close_database()

    try:
        _wait(is_settled, SETTLE_SECONDS, "all verdicts", clock)
    except SchedulerError:
        return False
    return True


def _read(config: Config) -> tuple[list[LedgerFunction], list[LedgerRow]]:
    open_existing(config, read_only=True)
    try:
        return fetch_ledger()
    finally:
        close_database()


def _demand(plan: Plan, function: LedgerFunction, start_at: float, until_at: float) -> Demand:
    """Return what the code of a function demands; of its row only its discovery counts."""
    trigger: Trigger = build_trigger(
        interval_seconds=function.interval_seconds,
        anchor_at=start_at if function.cron is None else None,
        cron=function.cron,
        timezone=function.timezone,
    )
    name = function.name.rpartition(".")[2]
    first = first_from(trigger, max(function.first_seen_at, 0.0))
    assert first is not None, "the grids of a selftest do not end"
    return Demand(
        name=function.name,
        trigger=trigger,
        first_at=first,
        until_at=until_at,
        retries=function.retries,
        overlap=function.overlap,
        ends=_ENDS.get(name, frozenset({"success"})),
        is_disturbed=plan.has_chaos,
    )


_ENDS = {
    "always_fails": frozenset({"error"}),
    "never_ends": frozenset({"timeout"}),
    "replaces_itself": frozenset({"success", "cancelled"}),
}


def _left_over(folder: Path) -> list[Violation]:
    pids = processes_in(folder)
    return [Violation("outlived", "-", f"still alive after the stop: {pids}")] if pids else []


def _wait(question: Callable[[], bool], seconds: float, what: str, clock: Clock) -> None:
    until = clock.monotonic() + seconds
    while not question():
        if clock.monotonic() > until:
            raise SchedulerError(f"waited {seconds:g} s for {what}; see service.log in the folder")
        sleep(_STEP_SECONDS)
