"""`selftest`: the service kills and checks itself, in a folder of its own."""

import shutil
from pathlib import Path
from secrets import randbelow
from tempfile import mkdtemp

from scheduler.cli.context import Context
from scheduler.cli.screen import Cell, Column
from scheduler.errors import EXIT_FAILED, EXIT_OK
from scheduler.selftest import Plan, Report, run_trial
from scheduler.wording import plural

_SEEDS = 1_000_000
_COLUMNS = (
    Column("FUNCTION", flexible=True),
    Column("SLOTS", right=True),
    Column("RUNS", right=True),
    Column("RETRIES", right=True),
    Column("VERDICTS", flexible=True),
    Column("LATE", right=True),
    Column("WORST", right=True),
)


def selftest(context: Context) -> int:
    """Run one trial, print what it found; fails on any violation and keeps the folder then."""
    args, screen = context.args, context.screen
    plan = Plan(
        seconds=args.minutes * 60,
        tickers=args.tickers,
        workers=args.workers,
        seed=randbelow(_SEEDS) if args.seed is None else args.seed,
        has_chaos=args.chaos,
        database_url=args.database_url,
        queue_url=args.queue_url,
    )
    folder = Path(mkdtemp(prefix="scheduler-selftest-")).resolve()
    report = run_trial(
        plan,
        folder,
        context.clock,
        (lambda _: None) if args.json else lambda s: screen.text(s + "\n"),
    )
    if args.json:
        screen.json(report)
    else:
        _print(context, report)
    if report.is_clean:
        shutil.rmtree(folder)
    return EXIT_OK if report.is_clean else EXIT_FAILED


def _print(context: Context, report: Report) -> None:
    screen = context.screen
    screen.table(
        _COLUMNS,
        [
            [
                Cell(line.name),
                Cell(str(line.slots)),
                Cell(str(line.attempts)),
                Cell(str(line.retries or "")),
                Cell(" ".join(f"{count} {status}" for status, count in line.by_status.items())),
                Cell(_milliseconds(line.median_lateness_seconds)),
                Cell(_milliseconds(line.worst_lateness_seconds)),
            ]
            for line in report.lines
        ],
    )
    if report.dealt:
        blows = ", ".join(f"{count} x {blow}" for blow, count in report.dealt.items())
        screen.line(f"seed {report.seed}: {blows}; {plural(report.restarts, 'restart')}")
    for violation in report.violations:
        what = screen.paint(f"✗ {violation.kind}", "bad")
        screen.line(f"{what}: {violation.name}: {violation.text}")
    if report.is_clean:
        screen.line(screen.paint("✓ every slot has one verdict, nothing ran twice", "ok"))
    else:
        screen.line(f"{plural(len(report.violations), 'violation')}; see {report.folder}")


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.0f} ms"
