"""One trial: a service in a folder of its own runs, is disturbed, settles, and is checked."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scheduler.clock import Clock, sleep
from scheduler.config import Config, load_config
from scheduler.errors import DatabaseUnavailableError, SchedulerError
from scheduler.selftest.chaos import Chaos
from scheduler.selftest.checker import Violation
from scheduler.selftest.examination import Examination, examine, is_settled, read_ledger
from scheduler.selftest.place import Place
from scheduler.selftest.report import Report, lines
from scheduler.selftest.troop import STOP_SECONDS, Troop, processes_in

START_SECONDS = 60.0
SETTLE_SECONDS = 120.0
HEARTBEAT_SECONDS = 0.5
DEAD_AFTER_SECONDS = 3.0
LONGEST_PAUSE_SECONDS = 1.5 * DEAD_AFTER_SECONDS
_LEAD_SECONDS = 3.0  # the first slot lies so far ahead that the first scan has been made
_STEP_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long, how many processes, and whether they are killed and paused; durations in s.

    The URLs are of servers in place of the SQLite files.
    """

    seconds: float
    tickers: int
    workers: int
    seed: int
    has_chaos: bool
    database_url: str | None = None
    queue_url: str | None = None


def run_trial(plan: Plan, folder: Path, clock: Clock, tell: Callable[[str], None]) -> Report:
    """Run one trial in an empty folder and check it; `tell` is given a line at each new stage.

    What it left on servers goes unless a promise was broken; interrupted, it leaves nothing.
    Raises SchedulerError when the service does not come up at all.
    """
    place = Place(folder, database_url=plan.database_url, queue_url=plan.queue_url)
    try:
        return _try(plan, place, folder, clock, tell)
    except KeyboardInterrupt:  # nothing was checked: nothing is to be seen
        try:
            place.remove()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        tell("interrupted: nothing was checked, and nothing is left of it")
        raise


def _try(
    plan: Plan, place: Place, folder: Path, clock: Clock, tell: Callable[[str], None]
) -> Report:
    place.make()
    start_at = prepare(folder, clock.now() + _LEAD_SECONDS)
    config = load_config(folder / "scheduler.toml", place.environment())
    roles = ["ticker"] * plan.tickers + ["worker"] * plan.workers
    troop = Troop(folder / "scheduler.toml", roles, clock, environment=place.environment())
    chaos = Chaos(plan.seed, longest_pause=LONGEST_PAUSE_SECONDS, find=troop.pids)
    try:
        processes = f"{plan.tickers} ticker(s) and {plan.workers} worker(s)"
        tell(f"starting {processes} in {folder}{place.text}")
        troop.keep()
        _wait(lambda: _has_scanned(config), START_SECONDS, "the first scan", clock)
        tell(f"running {plan.seconds:g} s" + f" of chaos, seed {plan.seed}" * plan.has_chaos)
        until_at = _run(plan, troop, chaos, clock)
        tell("settling: every slot must get its verdict without help")
        broken = _settle(config, troop, until_at, clock)
        broken += _stop(troop, folder)
    finally:
        chaos.end()
        troop.close()
    found = examine(
        config,
        start_at=start_at,
        until_at=until_at,
        is_disturbed=plan.has_chaos,
        journal=journal_of(folder),
    )
    report = _report(plan, found, broken, chaos=chaos, troop=troop, folder=folder)
    if report.is_clean:
        place.remove()
    return report


def prepare(folder: Path, start_at: float) -> float:
    """Write the configuration and the functions; return the whole second their grids begin at."""
    functions = folder / "functions"
    functions.mkdir()
    start_at = float(int(start_at))
    (functions / "start.txt").write_text(str(start_at))
    shutil.copy(Path(__file__).with_name("course.py"), functions)
    (folder / "scheduler.toml").write_text(
        'scan_paths = ["functions"]\nscan_interval_seconds = 5\nworker_concurrency = 4\n'
        f"heartbeat_seconds = {HEARTBEAT_SECONDS}\ndead_after_seconds = {DEAD_AFTER_SECONDS}\n"
        "shutdown_grace_seconds = 20\nretention_runs_per_function = 1000000\n"
    )
    return start_at


def journal_of(folder: Path) -> Path:
    """Return the file in which the functions of a prepared folder write what they do."""
    return folder / "functions" / "journal.jsonl"


def _has_scanned(config: Config) -> bool:
    try:
        return bool(read_ledger(config)[0])
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


def _settle(config: Config, troop: Troop, until_at: float, clock: Clock) -> list[Violation]:
    def has_settled() -> bool:
        troop.keep()
        return is_settled(config, until_at)

    try:
        _wait(has_settled, SETTLE_SECONDS, "all verdicts", clock)
    except SchedulerError as error:
        return [Violation("undecided", "-", str(error))]
    return []


def _stop(troop: Troop, folder: Path) -> list[Violation]:
    broken = []
    if not troop.stop():
        broken.append(Violation("stop", "-", f"not stopped within {STOP_SECONDS:g} s"))
    if pids := processes_in(folder):
        broken.append(Violation("outlived", "-", f"still alive after the stop: {pids}"))
    return broken


def _report(
    plan: Plan,
    found: Examination,
    broken: list[Violation],
    *,
    chaos: Chaos,
    troop: Troop,
    folder: Path,
) -> Report:
    return Report(
        seed=plan.seed,
        seconds=plan.seconds,
        lines=lines(found.demands, found.rows),
        violations=(*broken, *found.violations),
        dealt=dict(sorted(chaos.dealt.items())),
        restarts=troop.restarts,
        folder=str(folder),
    )


def _wait(question: Callable[[], bool], seconds: float, what: str, clock: Clock) -> None:
    until = clock.monotonic() + seconds
    while not question():
        if clock.monotonic() > until:
            raise SchedulerError(f"waited {seconds:g} s for {what}; see service.log in the folder")
        sleep(_STEP_SECONDS)
