"""`runs` and `show`: what ran, when, how it ended, and what it printed."""

from collections.abc import Sequence

from scheduler.cli.context import Context
from scheduler.cli.output import follow
from scheduler.cli.screen import Cell, Column, Screen
from scheduler.cli.states import status_cell
from scheduler.cli.times import Times
from scheduler.cli.waiting import count_free_slots, why_helpless
from scheduler.db.report_rows import RunReport, RunTexts
from scheduler.db.reports import (
    find_function,
    find_open_before,
    find_run,
    list_attempts,
    list_runs,
    read_texts,
)
from scheduler.errors import EXIT_OK
from scheduler.maintenance.conditions import Process, list_processes
from scheduler.maintenance.congestion import free_slots
from scheduler.wording import (
    duration,
    error_line,
    plural,
    short_id,
    size,
    span,
    stands_for_a_slot,
    visible,
)

_COLUMNS = (
    Column("RUN", right=True),
    Column("TIME", right=True),
    Column("STATUS"),
    Column("FUNCTION", flexible=True),
    Column("TOOK", right=True),
    Column("WHY", flexible=True),
)


def runs(context: Context) -> int:
    """Print the newest runs, of all functions or one."""
    context.open_database()
    function_id = find_function(context.args.name).id if context.args.name else None
    found = list_runs(function_id, failed=context.args.failed, limit=context.args.limit)
    if context.args.json:
        context.screen.json(found)
    elif not found:
        context.screen.line("No failed runs." if context.args.failed else "No runs yet.")
    else:
        times = context.times
        processes = list_processes(context.config, times.now)
        room = _room(processes, times.now)
        context.screen.table(_COLUMNS, [_row(run, times, processes, room) for run in found])
    return EXIT_OK


def show(context: Context) -> int:
    """Print one run in full; with --follow what it prints, until it ends."""
    context.open_database()
    run = find_run(context.args.run)
    if context.args.follow and not run.is_final:
        run = follow(None if context.args.json else context.screen, run.id)
    texts = read_texts(run.id)
    attempts = list_attempts(run.root_id or run.id)
    if context.args.json:
        context.screen.json(run_in_full(run, texts, attempts))
    else:
        _print(context, run, texts, attempts)
    return EXIT_OK


def run_in_full(run: RunReport, texts: RunTexts, attempts: list[RunReport]) -> dict[str, object]:
    """Return everything that is known of a run, for JSON."""
    from dataclasses import asdict

    others = [{"id": a.id, "attempt": a.attempt, "status": a.status} for a in attempts]
    return asdict(run) | asdict(texts) | {"attempts": others}


def error_in_words(run: RunReport) -> str:
    """Say in one line why a run ended as it did: its error, else its reason."""
    error = error_line(run.error_type, run.error_message)
    return error or run.reason or ""


def _room(processes: Sequence[Process], now: float) -> str:
    """Say what a run waits for whose time has come."""
    free = count_free_slots(processes, now)
    return f"waits in the queue, {free_slots(free)}" if free > 0 else "waits for a free slot"


def _why(run: RunReport, times: Times, processes: Sequence[Process], room: str) -> str:
    """Say why a run ended as it did, or what an open one waits for."""
    if run.is_final:
        return error_in_words(run)
    if run.status == "queued" and run.available_at is None:
        before = find_open_before(run)
        return f"waits for {f'run {before.id}' if before else 'the run before it'} to end"
    if helpless := why_helpless(run, processes, times.now):
        return helpless
    if run.status == "running" or run.available_at is None:
        return ""
    if run.available_at > times.now:
        return f"waits for its time, {times.until(run.available_at)}"
    return room


def _row(run: RunReport, times: Times, processes: Sequence[Process], room: str) -> list[Cell]:
    took = run.duration_seconds
    if run.status == "running" and run.started_at is not None:
        took_text = f"{span(times.now - run.started_at)}…"
    else:
        took_text = "" if took is None else duration(took)
    why = _why(run, times, processes, room)
    many = f"{run.slots:,} slots; " if run.slots > 1 else ""
    again = f"attempt {run.attempt}; " if run.attempt > 1 else ""
    return [
        Cell(str(run.id)),
        Cell(times.clock(run.shown_at), "dim"),
        status_cell(run.status),
        Cell(run.name),
        Cell(took_text),
        Cell(f"{many}{again}{why}".removesuffix("; "), "dim"),
    ]


def _print(context: Context, run: RunReport, texts: RunTexts, attempts: list[RunReport]) -> None:
    screen = context.screen
    status = status_cell(run.status)
    title = f"run {run.id}  {screen.paint(run.name, 'bold')}"
    screen.line(f"{title}  {screen.paint(status.text, status.role)}")
    facts = _facts(run, texts, attempts, context.times)
    if not run.is_final:
        facts += _now(context, run)
    for label, text in facts:
        screen.line(f"{screen.paint(f'{label:<10}', 'dim')}{text}")
    if texts.traceback:
        _print_text(screen, "traceback", visible(texts.traceback))
    elif texts.stack:  # of one that ended badly the traceback says it better
        _print_text(screen, "stack", texts.stack)
    if texts.output and not context.args.follow:
        _print_text(screen, f"output, {size(texts.output_bytes)}", texts.output)


def _now(context: Context, run: RunReport) -> list[tuple[str, str]]:
    """Say what an open run waits for."""
    now = context.times.now
    processes = list_processes(context.config, now)
    why = _why(run, context.times, processes, _room(processes, now))
    return [("now", why)] if why else []


def _facts(
    run: RunReport, texts: RunTexts, attempts: list[RunReport], times: Times
) -> list[tuple[str, str]]:
    facts = [("slot", _slot(run, attempts[0], times)), *_path(run, times)]
    if texts.peak_rss_bytes is not None and texts.cpu_seconds is not None:
        used = f"{size(texts.peak_rss_bytes)} memory, {duration(texts.cpu_seconds)} CPU"
        facts.append(("used", used))
    if run.claimed_by:
        facts.append(("worker", short_id(run.claimed_by)))
    if error := error_line(run.error_type, run.error_message):
        facts.append(("error", visible(error)))
    if run.signal is not None or run.exit_code:
        ending = f"signal {run.signal}" if run.signal is not None else f"exit code {run.exit_code}"
        facts.append(("process", ending))
    if run.reason:
        facts.append(("reason", run.reason))
    if texts.result is not None:
        facts.append(("result", texts.result))
    if len(attempts) > 1:
        chain = ", ".join(f"{a.attempt}: run {a.id} {a.status}" for a in attempts)
        facts.append(("attempts", chain))
    return facts


def _slot(run: RunReport, first: RunReport, times: Times) -> str:
    if run.trigger == "manual":
        asked_at = run.scheduled_for if first.queued_at is None else first.queued_at
        by_hand = f"triggered by hand at {times.full(asked_at)}"
        is_again = stands_for_a_slot(run.scheduled_for, first.queued_at)
        return f"{times.full(run.scheduled_for)}, {by_hand}" if is_again else f"none: {by_hand}"
    more = f", answers for {plural(run.slots, 'slot')} since {times.clock(run.covers_from)}"
    return times.full(run.scheduled_for) + (more if run.slots > 1 else "")


def _path(run: RunReport, times: Times) -> list[tuple[str, str]]:
    """Say the way from the slot to the end, and where the time went."""
    facts = []
    if run.queued_at is not None:
        late = run.queued_at - run.scheduled_for
        after = f", {duration(late)} after the slot" if run.trigger == "schedule" else ""
        facts.append(("queued", times.full(run.queued_at) + (after if run.attempt == 1 else "")))
        if run.available_at is None and not run.is_final:
            facts.append(("held", "until the run before it has ended"))
    if run.started_at is not None:
        waited = f", waited {duration(run.started_at - run.ready_at)} in the queue"
        facts.append(("started", times.full(run.started_at) + (waited if run.ready_at else "")))
    if run.finished_at is not None:
        took = run.duration_seconds
        after = "" if took is None else f", took {duration(took)}"
        facts.append(("finished", times.full(run.finished_at) + after))
    return facts


def _print_text(screen: Screen, title: str, text: str) -> None:
    screen.line()
    screen.line(screen.paint(f"{title}:", "dim"))
    screen.line(text.rstrip("\n"))
